#include "app/chat/chat.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "base/thread_pool.h"
#include "scripted_lines.h"
#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStdout;

TEST(ChatNote, SaysWhyAnAnswerEndedAndWhatWasNotRead) {
  EXPECT_EQ(answer_note({"", model::StopReason::kEndToken}), "");
  EXPECT_EQ(answer_note({"", model::StopReason::kLimit, false, 0, 9, 7}), "cut after 7 tokens");
  EXPECT_EQ(answer_note({"", model::StopReason::kEndToken, true, 2}),
            "stopped; the context is full: the first 2 messages were not read");
}

class ChatTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NIBBLE_NEEDS_FILE(path, testing::demo_model());
    path_ = path;
  }
  std::string chat(std::initializer_list<std::string> lines) {
    ThreadPool pool(2);
    const model::LoadedModel loaded =
        model::load_model(path_, {.with_hash = false}, pool, silent_progress()).take();
    ChatSession session(loaded, "You answer in one word.", 8);
    ScriptedLines script(lines);
    CaptureStdout();
    run_chat(session, script);
    prompts_ = script.prompts;
    return GetCapturedStdout();
  }
  testing::TempFolder folder_;
  std::filesystem::path path_;
  std::string prompts_;
};

TEST_F(ChatTest, CommandsAndMessages) {
  const std::string file = (folder_ / "chat.json").string();
  const std::string out = chat({"/help",
                                "What is the \\",
                                "capital of France?",
                                "",
                                "/save " + file,
                                "/save " + file,
                                "/sistem x",
                                "/reset",
                                "/system Be kind.",
                                "/exit",
                                "never read"});
  EXPECT_THAT(out,
              AllOf(HasSubstr("/save FILE"),
                    HasSubstr("Paris"),
                    HasSubstr("3 messages in " + file),
                    HasSubstr("is there already"),
                    HasSubstr("no command '/sistem' (did you mean '/system'?)"),
                    HasSubstr("a new system message")));
  EXPECT_EQ(prompts_, "> > … > > > > > > > ");
  EXPECT_THAT(testing::read_file(file),
              HasSubstr("\"content\":\"What is the \\ncapital of France?\""));
}

/// The program at a terminal of its own.
class Terminal {
 public:
  explicit Terminal(const std::filesystem::path& model) {
    child_ = forkpty(&fd_, nullptr, nullptr, nullptr);
    if (child_ == 0) {
      const std::string program = testing::program().string();
      setenv("TERM", "xterm", 1);
      execl(program.c_str(), "nibble", "run", model.c_str(), nullptr);
      _exit(127);
    }
  }
  ~Terminal() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    ::close(fd_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(std::string_view text) const {
    ASSERT_EQ(::write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Reads until the text has been shown; false after two minutes.
  bool shows(std::string_view text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (seen_.find(text) == std::string::npos) {
      char buffer[1024];
      pollfd ready{fd_, POLLIN, 0};
      const bool is_late = std::chrono::steady_clock::now() > end;
      if (!is_late && ::poll(&ready, 1, 1000) <= 0) {
        continue;
      }
      const ssize_t n = is_late ? 0 : ::read(fd_, buffer, sizeof buffer);
      if (n <= 0) {
        return false;
      }
      seen_.append(buffer, static_cast<std::size_t>(n));
    }
    seen_.erase(0, seen_.find(text) + text.size());
    return true;
  }
  int exit_status() {
    int status = 0;
    waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  int fd_ = -1;
  pid_t child_ = -1;
  std::string seen_;
};

TEST_F(ChatTest, CtrlCStopsTheAnswerAndNotTheProgram) {
  Terminal terminal(path_);
  // Keys are typed behind a prompt alone: what comes between two lines is the terminal's, not the editor's.
  ASSERT_TRUE(terminal.shows("Ctrl-D ends it") && terminal.shows("\n> "));
  terminal.type("Tell me a long story about a river and the sea.\n");
  ASSERT_TRUE(terminal.shows("sea."));
  ASSERT_TRUE(terminal.shows(" the "));  // of the answer
  terminal.type("\x03");
  ASSERT_TRUE(terminal.shows("(stopped)") && terminal.shows("\n> "));
  terminal.type("half a line\x03/exut\n");  // the line is emptied
  ASSERT_TRUE(terminal.shows("no command '/exut'") && terminal.shows("\n> "));
  terminal.type("\x04");
  EXPECT_EQ(terminal.exit_status(), 0);
}

}  // namespace
}  // namespace nibble::app
