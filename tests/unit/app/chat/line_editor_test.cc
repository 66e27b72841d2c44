#include "app/chat/line_editor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>

namespace nibble::app {
namespace {

/// Reads until a prompt begins a line (it is drawn again while a line is edited) and forgets what was
/// `shown` so far; false at the end and after half a minute.
bool has_prompted(int fd, std::string& shown) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (shown.find("\n> ") == std::string::npos) {
    pollfd ready{fd, POLLIN, 0};
    char buffer[1024];
    const ssize_t n = ::poll(&ready, 1, 1000) > 0 ? ::read(fd, buffer, sizeof buffer) : 0;
    if (n < 0 || std::chrono::steady_clock::now() > end) {
      return false;
    }
    shown.append(buffer, static_cast<std::size_t>(n));
  }
  shown.clear();
  return true;
}

/// All that comes from a pipe until its end, while the terminal is read, too; "late" after half a
/// minute without a word.
std::string reported(int pipe, int terminal) {
  std::string out;
  char buffer[1024];
  while (true) {
    pollfd ready[] = {{pipe, POLLIN, 0}, {terminal, POLLIN, 0}};
    if (::poll(ready, 2, 30'000) <= 0) {
      return "late";
    }
    const bool is_report = ready[0].revents != 0;
    const ssize_t n = ::read(is_report ? pipe : terminal, buffer, sizeof buffer);
    if (is_report && n <= 0) {
      return out;
    }
    out.append(buffer, is_report ? static_cast<std::size_t>(n) : 0);
  }
}

/// What the editor makes of keys at a terminal, each string typed behind a prompt: its lines, each
/// between brackets.
std::string lines_of(std::initializer_list<std::string_view> typed) {
  int fd = -1;
  int report[2];
  EXPECT_EQ(pipe(report), 0);
  const pid_t child = forkpty(&fd, nullptr, nullptr, nullptr);
  if (child == 0) {
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    std::string lines;
    {
      LineEditor editor;
      while (const auto line = editor.read("> ")) {
        lines += "[" + *line + "]";
      }
    }
    _exit(::write(report[1], lines.data(), lines.size()) < 0 ? 1 : 0);
  }
  ::close(report[1]);
  std::string shown = "\n";
  for (const std::string_view keys : typed) {
    EXPECT_TRUE(has_prompted(fd, shown)) << keys;
    EXPECT_EQ(::write(fd, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  std::string out = reported(report[0], fd);
  ::close(report[0]);
  ::close(fd);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return out;
}

TEST(LineEditor, LinesAreEditedAndRemembered) {
  EXPECT_EQ(lines_of({"one\n", "two\n", "\x04"}), "[one][two]");
  EXPECT_EQ(lines_of({"abd\x1b[Dc\n", "\x04"}), "[abcd]");           // left, then a letter
  EXPECT_EQ(lines_of({"one\n", "\x1b[A\n", "\x04"}), "[one][one]");  // up
  EXPECT_EQ(lines_of({"gone\x03kept\n", "\x04"}), "[kept]");
  EXPECT_EQ(lines_of({"für\x7f\n", "\x04"}), "[fü]");
}

}  // namespace
}  // namespace nibble::app
