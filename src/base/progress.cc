#include "base/progress.h"

#include <algorithm>

namespace nibble {

ProgressSink& silent_progress() noexcept {
  static SilentProgress sink;
  return sink;
}

void PartProgress::begin(std::string_view /*stage*/, std::uint64_t total) {
  total_ = has_begun_ ? 0 : total;
  has_begun_ = true;
}

void PartProgress::advance(std::uint64_t steps) {
  done_ = std::min(done_ + steps, total_);
  if (total_ > 0) {
    const double part = static_cast<double>(done_) / static_cast<double>(total_);
    tell(static_cast<std::uint64_t>(part * static_cast<double>(share_)));
  }
}

void PartProgress::end() {
  total_ = 0;
}

void PartProgress::tell(std::uint64_t n_done) {
  if (n_done > told_) {
    whole_.advance(n_done - told_);
    told_ = n_done;
  }
}

}  // namespace nibble
