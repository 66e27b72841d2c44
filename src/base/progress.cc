#include "base/progress.h"

namespace nibble {

ProgressSink& silent_progress() noexcept {
  static SilentProgress sink;
  return sink;
}

}  // namespace nibble
