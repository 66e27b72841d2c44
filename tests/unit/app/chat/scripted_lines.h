/// Lines of a chat that a test wrote.
#pragma once

#include <deque>

#include "app/chat/line_editor.h"

namespace nibble::app {

class ScriptedLines final : public LineSource {
 public:
  ScriptedLines(std::initializer_list<std::string> lines) : lines_(lines) {}
  std::optional<std::string> read(const std::string& prompt) override {
    prompts += prompt;
    if (lines_.empty()) {
      return std::nullopt;
    }
    std::string line = lines_.front();
    lines_.pop_front();
    return line;
  }
  std::string prompts;

 private:
  std::deque<std::string> lines_;
};

}  // namespace nibble::app
