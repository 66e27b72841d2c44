#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "app/command.h"

namespace nibble::app {
namespace {

using Clock = std::chrono::steady_clock;

/// One stage: how far, since when, and how long it still takes at the pace so far.
class StageClock {
 public:
  void begin(std::string_view stage, std::uint64_t total) {
    stage_ = stage;
    total_ = total;
    done_ = 0;
    start_ = Clock::now();
  }
  void advance(std::uint64_t steps) { done_ += steps; }
  [[nodiscard]] bool finished() const { return total_ != 0 && done_ >= total_; }

  [[nodiscard]] std::string line() const {
    if (total_ == 0) {
      return fmt::format("{}: {}", stage_, done_);
    }
    std::string text = fmt::format("{}: {}/{} ({}%)", stage_, done_, total_, done_ * 100 / total_);
    if (done_ > 0 && done_ < total_) {
      const std::chrono::duration<double> spent = Clock::now() - start_;
      const double left =
          spent.count() * static_cast<double>(total_ - done_) / static_cast<double>(done_);
      text += fmt::format(", {} left", time_text(static_cast<std::int64_t>(left) + 1));
    }
    return text;
  }

 private:
  std::string stage_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  Clock::time_point start_;
};

void write_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

/// Redraws one line.
class TerminalProgress final : public ProgressSink {
 public:
  ~TerminalProgress() override { clear(); }
  void begin(std::string_view stage, std::uint64_t total) override {
    clock_.begin(stage, total);
    draw(true);
  }
  void advance(std::uint64_t steps) override {
    clock_.advance(steps);
    draw(clock_.finished());
  }
  void end() override { clear(); }
  void note(std::string_view line) override {
    clear();
    write_error(fmt::format("{}\n", line));
  }

 private:
  void clear() {
    if (drawn_) {
      write_error("\r\x1b[K");
      drawn_ = false;
    }
  }
  void draw(bool now) {
    const auto time = Clock::now();
    if (!now && time - last_ < std::chrono::milliseconds(100)) {
      return;
    }
    last_ = time;
    write_error(fmt::format("\r\x1b[K{}", clock_.line()));
    drawn_ = true;
  }

  StageClock clock_;
  Clock::time_point last_;
  bool drawn_ = false;
};

/// A plain line at the start of a stage and then at most every ten seconds.
class PlainProgress final : public ProgressSink {
 public:
  void begin(std::string_view stage, std::uint64_t total) override {
    clock_.begin(stage, total);
    write_error(fmt::format("{}\n", stage));
    last_ = Clock::now();
  }
  void advance(std::uint64_t steps) override {
    clock_.advance(steps);
    const auto time = Clock::now();
    if (time - last_ >= std::chrono::seconds(10)) {
      last_ = time;
      write_error(fmt::format("{}\n", clock_.line()));
    }
  }
  void end() override {}
  void note(std::string_view line) override { write_error(fmt::format("{}\n", line)); }

 private:
  StageClock clock_;
  Clock::time_point last_;
};

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

std::string time_text(std::int64_t seconds) {
  const std::int64_t hours = seconds / 3600;
  const std::string text = fmt::format("{:02}:{:02}", seconds / 60 % 60, seconds % 60);
  return hours == 0 ? text : fmt::format("{}:{}", hours, text);
}

std::unique_ptr<ProgressSink> make_progress(const Globals& globals) {
  if (globals.quiet) {
    return std::make_unique<SilentProgress>();
  }
  if (is_terminal()) {
    return std::make_unique<TerminalProgress>();
  }
  return std::make_unique<PlainProgress>();
}

}  // namespace nibble::app
