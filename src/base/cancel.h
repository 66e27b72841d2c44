/// A flag that asks long work to stop at its next safe point.
///
/// Threads    `request()` is async-signal-safe; `check()` may be called from any thread
/// Errors     `check()` throws Error(kCancelled)
#pragma once

#include <atomic>

#include "base/error.h"

namespace nibble {

class CancelFlag {
 public:
  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool requested() const noexcept {
    return requested_.load(std::memory_order_relaxed);
  }
  void check() const {
    if (requested()) {
      raise(ErrorCode::kCancelled, "stopped on request; run the same command again to go on");
    }
  }

 private:
  std::atomic<bool> requested_{false};
};

/// The process's flag, raised by Ctrl-C (SIGINT) and SIGTERM once `app` has installed its handlers.
CancelFlag& cancel_flag() noexcept;

}  // namespace nibble
