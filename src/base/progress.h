/// How long work tells how far it is, without knowing who listens. The library never prints; `app`
/// draws.
#pragma once

#include <cstdint>
#include <string_view>

namespace nibble {

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// A new stage begins; `total` steps of about equal cost, 0 when unknown.
  virtual void begin(std::string_view stage, std::uint64_t total) = 0;
  virtual void advance(std::uint64_t steps) = 0;
  virtual void end() = 0;
  /// One line for the log, such as a warning.
  virtual void note(std::string_view line) = 0;
};

/// A sink that drops everything.
class SilentProgress final : public ProgressSink {
 public:
  void begin(std::string_view /*stage*/, std::uint64_t /*total*/) override {}
  void advance(std::uint64_t /*steps*/) override {}
  void end() override {}
  void note(std::string_view /*line*/) override {}
};

ProgressSink& silent_progress() noexcept;

}  // namespace nibble
