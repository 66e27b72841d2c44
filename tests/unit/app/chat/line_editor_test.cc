#include "app/chat/line_editor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nibble::app {
namespace {

/// What the editor makes of keys at a terminal: its lines, each between brackets.
std::string lines_of(std::string_view keys) {
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
  std::string shown;
  char buffer[1024];
  while (shown.find("> ") == std::string::npos) {  // the terminal is ready
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) {
      break;
    }
    shown.append(buffer, static_cast<std::size_t>(n));
  }
  EXPECT_EQ(::write(fd, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  while (::read(fd, buffer, sizeof buffer) > 0) {
  }
  std::string out;
  for (ssize_t n = 0; (n = ::read(report[0], buffer, sizeof buffer)) > 0;) {
    out.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(report[0]);
  ::close(fd);
  waitpid(child, nullptr, 0);
  return out;
}

TEST(LineEditor, LinesAreEditedAndRemembered) {
  EXPECT_EQ(lines_of("one\ntwo\n\x04"), "[one][two]");
  EXPECT_EQ(lines_of("abd\x1b[Dc\n\x04"), "[abcd]");       // left, then a letter
  EXPECT_EQ(lines_of("one\n\x1b[A\n\x04"), "[one][one]");  // up
  EXPECT_EQ(lines_of("gone\x03kept\n\x04"), "[kept]");
  EXPECT_EQ(lines_of("für\x7f\n\x04"), "[fü]");
}

}  // namespace
}  // namespace nibble::app
