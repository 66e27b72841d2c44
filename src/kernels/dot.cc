#include "kernels/dot.h"

#include "kernels/avx2/dot.h"
#include "kernels/avx512/dot.h"
#include "kernels/neon/dot.h"
#include "kernels/reference/dot.h"

namespace nibble::kernels {

Dot dot_of([[maybe_unused]] const KernelSet& set) noexcept {
#if defined(__x86_64__)
  if (set.name.starts_with("avx512")) {
    return avx512::dot;
  }
  if (set.name == "avx2") {
    return avx2::dot;
  }
#elif defined(__aarch64__)
  if (set.name == "neon") {
    return neon::dot;
  }
#endif
  return reference::dot;
}

}  // namespace nibble::kernels
