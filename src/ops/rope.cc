#include "ops/rope.h"

#include <cmath>
#include <numbers>

#include "base/error.h"
#include "kernels/select.h"

namespace nibble::ops {
namespace {

/// Llama 3: long wavelengths are divided by `factor`, short ones kept, those between blended.
float scale_llama3(float frequency, const RopeScaling& scaling) {
  const auto context = static_cast<float>(scaling.original_context);
  const float wavelength = 2.0F * std::numbers::pi_v<float> / frequency;
  if (wavelength < context / scaling.high_frequency_factor) {
    return frequency;
  }
  if (wavelength > context / scaling.low_frequency_factor) {
    return frequency / scaling.factor;
  }
  const float blend = (context / wavelength - scaling.low_frequency_factor) /
                      (scaling.high_frequency_factor - scaling.low_frequency_factor);
  return (1.0F - blend) * frequency / scaling.factor + blend * frequency;
}

}  // namespace

std::vector<float> rope_inverse_frequencies(std::size_t head_dim,
                                            float theta,
                                            const RopeScaling& scaling) {
  const std::size_t half = head_dim / 2;
  if (head_dim % 2 != 0) {
    raise(ErrorCode::kShapeMismatch, "rope: head_dim is {}, an even number is wanted", head_dim);
  }
  if (scaling.kind == RopeScaling::Kind::kFactors && scaling.factors.size() != half) {
    raise(ErrorCode::kShapeMismatch,
          "rope: {} frequency factors, {} are wanted",
          scaling.factors.size(),
          half);
  }
  std::vector<float> out(half);
  for (std::size_t i = 0; i < half; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    const float frequency = 1.0F / std::pow(theta, exponent);
    switch (scaling.kind) {
      case RopeScaling::Kind::kNone:
        out[i] = frequency;
        break;
      case RopeScaling::Kind::kLinear:
        out[i] = frequency / scaling.factor;
        break;
      case RopeScaling::Kind::kLlama3:
        out[i] = scale_llama3(frequency, scaling);
        break;
      case RopeScaling::Kind::kFactors:
        out[i] = frequency / scaling.factors[i];
        break;
    }
  }
  return out;
}

void rope_in_place(MatrixView<float> x,
                   std::size_t head_dim,
                   std::span<const float> inverse_frequency,
                   std::span<const std::int32_t> positions,
                   ThreadPool& pool) {
  const std::size_t half = inverse_frequency.size();
  if (head_dim == 0 || head_dim != 2 * half || x.cols % head_dim != 0) {
    raise(ErrorCode::kShapeMismatch,
          "rope: rows of {}, head_dim {} and {} frequencies do not fit together",
          x.cols,
          head_dim,
          half);
  }
  if (positions.size() != x.rows) {
    raise(ErrorCode::kShapeMismatch, "rope: {} positions for {} rows", positions.size(), x.rows);
  }
  const auto rotate = kernels::kernels().elementwise->rotate;
  pool.run(x.rows, [&](std::size_t t, std::size_t /*worker*/) {
    std::vector<float> table(head_dim);
    float* cosine = table.data();
    float* sine = table.data() + half;
    for (std::size_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(positions[t]) * inverse_frequency[i];
      cosine[i] = std::cos(angle);
      sine[i] = std::sin(angle);
    }
    for (std::size_t first = 0; first < x.cols; first += head_dim) {
      float* head = x.row(t) + first;
      rotate(head, head + half, cosine, sine, half);
    }
  });
}

}  // namespace nibble::ops
