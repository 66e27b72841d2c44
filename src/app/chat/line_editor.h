/// Lines from a person at a terminal, with the usual keys of editing and a history of this run.
///
/// Ctrl-C empties the line, Ctrl-D on an empty one ends the input. Outside of `read` the terminal
/// is as it was.
///
/// Threads    one editor, one thread
/// Source     libedit
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace nibble::app {

/// Where a chat's lines come from.
class LineSource {
 public:
  virtual ~LineSource() = default;
  /// Without its line break; nullopt at the end of the input.
  virtual std::optional<std::string> read(const std::string& prompt) = 0;
};

class LineEditor final : public LineSource {
 public:
  LineEditor();
  ~LineEditor() override;
  std::optional<std::string> read(const std::string& prompt) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nibble::app
