#include "app/chat/chat.h"

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/suggest.h"
#include "base/utf8.h"

namespace nibble::app {
namespace {

constexpr std::string_view kHelp =
    "/reset          a new conversation under the same system message\n"
    "/system [TEXT]  another system message, and a new conversation\n"
    "/save FILE      the conversation as JSON\n"
    "/exit           the end, as is Ctrl-D\n"
    "A line that ends in \\ goes on in the next. Ctrl-C stops an answer.\n";

volatile std::sig_atomic_t stop_answer = 0;

extern "C" void on_stop_answer(int) {
  stop_answer = 1;
}

/// While it lives Ctrl-C stops an answer and not the program.
class StopKey {
 public:
  StopKey() {
    stop_answer = 0;
    struct sigaction action {};
    action.sa_handler = &on_stop_answer;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before_);
  }
  ~StopKey() { sigaction(SIGINT, &before_, nullptr); }
  StopKey(const StopKey&) = delete;
  StopKey& operator=(const StopKey&) = delete;

 private:
  struct sigaction before_ {};
};

void save(const ChatSession& session, const std::string& file) {
  if (file.empty()) {
    raise(ErrorCode::kInvalidArgument, "/save wants the name of a file");
  }
  if (std::filesystem::exists(file)) {
    raise(ErrorCode::kInvalidArgument, "{} is there already; name another file", file);
  }
  Json out = Json::array();
  for (const text::ChatMessage& message : session.messages()) {
    out.push_back({{"role", message.role}, {"content", message.content}});
  }
  write_file_atomic(file, dump_json(out) + "\n").take();
  print_out(fmt::format("{} messages in {}\n", session.messages().size(), file));
}

/// False for the end of the chat.
bool obey(ChatSession& session, std::string_view line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  const std::string rest(utf8::strip(line.substr(space)));
  if (word == "/exit" || word == "/quit") {
    return false;
  }
  if (word == "/help") {
    print_out(kHelp);
  } else if (word == "/reset") {
    session.reset();
    print_out("a new conversation\n");
  } else if (word == "/system") {
    session.set_system(rest);
    print_out(rest.empty() ? "no system message; a new conversation\n"
                           : "a new system message, and a new conversation\n");
  } else if (word == "/save") {
    save(session, rest);
  } else {
    const std::vector<std::string_view> known = {"/help", "/reset", "/system", "/save", "/exit"};
    raise(ErrorCode::kInvalidArgument,
          "no command '{}'{}; /help lists them",
          word,
          did_you_mean(word, known));
  }
  return true;
}

void answer(ChatSession& session, std::string_view message) {
  const StopKey key;
  const ChatAnswer out = session.answer(
      message,
      [](std::string_view text) { print_out(text); },
      [] { return stop_answer != 0 || cancel_flag().requested(); });
  cancel_flag().check();
  const std::string note = answer_note(out);
  print_out(note.empty() ? "\n" : fmt::format("\n({})\n", note));
}

/// A line with those that it goes on in.
std::optional<std::string> read_message(LineSource& lines) {
  std::optional<std::string> out = lines.read("> ");
  while (out && out->ends_with('\\')) {
    out->back() = '\n';
    const auto more = lines.read("… ");
    if (!more) {
      break;
    }
    *out += *more;
  }
  return out;
}

/// False for the end of the chat.
bool take_message(ChatSession& session, std::string_view message) {
  try {
    if (message.starts_with('/')) {
      return obey(session, message);
    }
    if (!utf8::strip(message).empty()) {
      answer(session, message);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument && error.code() != ErrorCode::kOutOfMemory) {
      throw;
    }
    print_out(fmt::format("nibble: {}\n", error.what()));
  }
  return true;
}

}  // namespace

std::string answer_note(const ChatAnswer& answer) {
  std::string out;
  const auto add = [&out](std::string_view text) {
    out += fmt::format("{}{}", out.empty() ? "" : "; ", text);
  };
  if (answer.is_stopped) {
    add("stopped");
  } else if (answer.reason == model::StopReason::kLimit) {
    add(fmt::format("cut after {} tokens", answer.n_tokens));
  } else if (answer.reason == model::StopReason::kNotFinite) {
    add("the model gave no finite logits");
  }
  if (answer.n_left_out > 0) {
    add(fmt::format("the context is full: the first {} messages were not read", answer.n_left_out));
  }
  return out;
}

void run_chat(ChatSession& session, LineSource& lines) {
  for (;;) {
    const auto message = read_message(lines);
    if (!message || !take_message(session, *message)) {
      return;
    }
  }
}

}  // namespace nibble::app
