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

/// Work inside of other work: the steps of its first stage become `share` steps of the stage that
/// runs in `whole`. When it goes away its whole share counts as done, so what it skipped is not
/// waited for.
class PartProgress final : public ProgressSink {
 public:
  PartProgress(ProgressSink& whole, std::uint64_t share) noexcept : whole_(whole), share_(share) {}
  ~PartProgress() override { tell(share_); }
  PartProgress(const PartProgress&) = delete;
  PartProgress& operator=(const PartProgress&) = delete;

  void begin(std::string_view stage, std::uint64_t total) override;
  void advance(std::uint64_t steps) override;
  void end() override;
  void note(std::string_view line) override { whole_.note(line); }

 private:
  void tell(std::uint64_t n_done);

  ProgressSink& whole_;
  std::uint64_t share_;
  std::uint64_t told_ = 0;
  std::uint64_t total_ = 0;  ///< of the first stage; 0 before it and behind it
  std::uint64_t done_ = 0;
  bool has_begun_ = false;
};

}  // namespace nibble
