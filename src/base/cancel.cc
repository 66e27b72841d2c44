#include "base/cancel.h"

namespace nibble {

CancelFlag& cancel_flag() noexcept {
  static CancelFlag flag;
  return flag;
}

}  // namespace nibble
