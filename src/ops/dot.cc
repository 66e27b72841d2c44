#include "ops/dot.h"

#include "kernels/dot.h"

namespace nibble::ops {

Dot dot_function() {
  return kernels::dot_of(kernels::kernels());
}

}  // namespace nibble::ops
