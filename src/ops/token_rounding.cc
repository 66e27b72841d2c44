#include "ops/token_rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace nibble::ops {
namespace {

void round_token(const TokenRounding& rounding, std::span<float> x) noexcept {
  const float limit =
      rounding.outliers > 0.0F ? rounding.outliers : std::numeric_limits<float>::infinity();
  float top = 0.0F;
  for (const float v : x) {
    const float size = std::fabs(v);
    top = size < limit ? std::max(top, size) : top;
  }
  const auto most = static_cast<float>((1U << (rounding.bits - 1)) - 1U);
  const float scale = rounding.clip * top / most;
  if (!(scale > 0.0F)) {
    return;
  }
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23 leaves no fraction bits: ties to even
  for (float& v : x) {
    const float code = std::clamp(v / scale, -most - 1.0F, most) + kShift - kShift;
    v = std::fabs(v) < limit ? scale * code : v;
  }
}

}  // namespace

void round_tokens(const TokenRounding& rounding, MatrixView<float> x, ThreadPool& pool) {
  if (rounding.is_on()) {
    pool.run(x.rows, [&](std::size_t row, std::size_t /*worker*/) {
      round_token(rounding, x.row_span(row));
    });
  }
}

}  // namespace nibble::ops
