#include "quant/solve/rounding_tuner.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "quant/solve/parallel_for.h"
#include "quant/solve/rounding.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRowsPerTask = 16;
constexpr float kSmallestScale = 1e-5F;

/// A group's grid with what its loops need: codes around zero, from low to high.
struct Levels {
  float scale, low, high;
};

/// The nearest level, or one beyond the ends: bounded, because rounding wants small numbers.
inline float level_of(float w, float offset, const Levels& levels) noexcept {
  const float steps = w / levels.scale + offset;
  return round_even(std::min(std::max(steps, levels.low - 1.0F), levels.high + 1.0F));
}

inline float bounded(float level, const Levels& levels) noexcept {
  return std::min(std::max(level, levels.low), levels.high);
}

inline float sign_of(float x) noexcept {
  return static_cast<float>(static_cast<int>(x > 0.0F) - static_cast<int>(x < 0.0F));
}

void decode_group(const float* w,
                  const float* offsets,
                  std::size_t n,
                  const Levels& levels,
                  float* out) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = levels.scale * bounded(level_of(w[i], offsets[i], levels), levels);
  }
}

/// Offsets move against the sign of their gradient, which is none beyond the ends.
void move_offsets(const float* w,
                  const float* gradient,
                  std::size_t n,
                  const Levels& levels,
                  float size,
                  float* offsets) noexcept {
  const float step = levels.scale < 0.0F ? -size : size;
  for (std::size_t i = 0; i < n; ++i) {
    const float level = level_of(w[i], offsets[i], levels);
    const bool is_inside = level >= levels.low && level <= levels.high;
    const float moved = offsets[i] - step * sign_of(gradient[i]);
    offsets[i] = is_inside ? std::min(std::max(moved, -0.5F), 0.5F) : offsets[i];
  }
}

}  // namespace

/// Sums over a group of the gradient times what moves a decoded weight.
struct RoundingTuner::Slopes {
  float scale = 0.0F;   ///< q - w / scale inside, q beyond
  float beyond = 0.0F;  ///< 1 beyond the ends
};

RoundingTuner::RoundingTuner(MatrixView<const float> w,
                             const codec::IntGroupFormat& format,
                             ThreadPool& pool)
    : w_(w), format_(format), ranges_(w.rows * format.n_groups(w.cols)) {
  NIBBLE_CHECK(format.zero != codec::ZeroKind::kFloat, "a format with an integer zero");
  now_.offsets.resize(w.rows * w.cols);
  now_.factors.resize(ranges_.size());
  best_ = now_;
  for_each_group(pool, [&](std::size_t r, std::size_t g, std::size_t first, std::size_t n) {
    const auto [low, high] = std::ranges::minmax(w_.row_span(r).subspan(first, n));
    ranges_[g] = {std::min(low, 0.0F), std::max(high, 0.0F)};
  });
}

template <class F>
void RoundingTuner::for_each_group(ThreadPool& pool, const F& f) const {
  const std::size_t n_groups = format_.n_groups(w_.cols);
  const std::size_t group = format_.group_of(w_.cols);
  parallel_for(pool, w_.rows, kRowsPerTask, [&](std::size_t r) {
    for (std::size_t g = 0; g < n_groups; ++g) {
      f(r, r * n_groups + g, g * group, std::min(group, w_.cols - g * group));
    }
  });
}

RoundingTuner::Grid RoundingTuner::grid_of(const Range& range,
                                           const Factors& factors) const noexcept {
  const float low = range.low * factors.low;
  const float high = range.high * factors.high;
  if (format_.zero == codec::ZeroKind::kMiddle) {
    const auto middle = static_cast<float>(format_.middle());
    const float wide = high < -low ? -low : -high;
    const float scale = codec::stored_parameter(wide / middle, format_.parameters);
    const bool is_floored = std::fabs(scale) < kSmallestScale;
    const float smallest = codec::stored_parameter(kSmallestScale, format_.parameters);
    return {is_floored ? (scale < 0.0F ? -smallest : smallest) : scale, middle, is_floored};
  }
  const auto max_code = static_cast<float>(format_.max_code());
  float scale = codec::stored_parameter((high - low) / max_code, format_.parameters);
  const bool is_floored = scale < kSmallestScale;
  if (is_floored) {
    scale = codec::stored_parameter(kSmallestScale, format_.parameters);
  }
  return {scale, static_cast<float>(nearest_code(-low / scale, max_code)), is_floored};
}

RoundingTuner::Factors RoundingTuner::slopes_of(const Range& range,
                                                const Factors& factors,
                                                const Grid& grid,
                                                const Slopes& slopes) const noexcept {
  const float low = range.low * factors.low;
  if (format_.zero == codec::ZeroKind::kMiddle) {
    if (grid.is_floored) {
      return {0.0F, 0.0F};
    }
    const auto middle = static_cast<float>(format_.middle());
    const bool is_low_wider = range.high * factors.high < -low;
    return is_low_wider ? Factors{-slopes.scale * range.low / middle, 0.0F}
                        : Factors{0.0F, -slopes.scale * range.high / middle};
  }
  // zero = round(-lo / scale): beyond the ends decoded weights hold to it, scale * (end - zero).
  const float d_zero = -grid.scale * slopes.beyond;
  const float d_scale =
      grid.is_floored ? 0.0F : slopes.scale + d_zero * low / (grid.scale * grid.scale);
  const float d_range = d_scale / static_cast<float>(format_.max_code());
  return {(-d_range - d_zero / grid.scale) * range.low, d_range * range.high};
}

void RoundingTuner::decode(MatrixView<float> out, ThreadPool& pool) const {
  for_each_group(pool, [&](std::size_t r, std::size_t g, std::size_t first, std::size_t n) {
    const Grid grid = grid_of(ranges_[g], now_.factors[g]);
    const Levels levels{grid.scale, -grid.zero, format_.max_code() - grid.zero};
    decode_group(
        w_.row(r) + first, &now_.offsets[r * w_.cols + first], n, levels, out.row(r) + first);
  });
}

void RoundingTuner::step(MatrixView<const float> gradient,
                         const StepSizes& sizes,
                         Keep keep,
                         MatrixView<float> out,
                         ThreadPool& pool) {
  for_each_group(pool, [&](std::size_t r, std::size_t g, std::size_t first, std::size_t n) {
    float* offsets = &now_.offsets[r * w_.cols + first];
    const float* w = w_.row(r) + first;
    const float* d = gradient.row(r) + first;
    Factors& factors = now_.factors[g];
    if (keep == Keep::kYes) {
      std::copy_n(offsets, n, &best_.offsets[r * w_.cols + first]);
      best_.factors[g] = factors;
    }
    Grid grid = grid_of(ranges_[g], factors);
    Levels levels{grid.scale, -grid.zero, format_.max_code() - grid.zero};
    Slopes slopes;
    for (std::size_t i = 0; i < n && sizes.range > 0.0F; ++i) {
      const float level = level_of(w[i], offsets[i], levels);
      const float q = bounded(level, levels);
      slopes.scale += d[i] * (level == q ? q - w[i] / levels.scale : q);
      slopes.beyond += level == q ? 0.0F : d[i];
    }
    move_offsets(w, d, n, levels, sizes.rounding, offsets);
    if (sizes.range > 0.0F) {
      const Factors slope = slopes_of(ranges_[g], factors, grid, slopes);
      factors.low = std::clamp(factors.low - sizes.range * sign_of(slope.low), 0.0F, 1.0F);
      factors.high = std::clamp(factors.high - sizes.range * sign_of(slope.high), 0.0F, 1.0F);
      grid = grid_of(ranges_[g], factors);
      levels = {grid.scale, -grid.zero, format_.max_code() - grid.zero};
    }
    decode_group(w, offsets, n, levels, out.row(r) + first);
  });
}

codec::IntGroupCodes RoundingTuner::codes(ThreadPool& pool) const {
  codec::IntGroupCodes out;
  out.codes.resize(w_.rows * w_.cols);
  out.scales.resize(ranges_.size());
  out.zeros.resize(ranges_.size());
  for_each_group(pool, [&](std::size_t r, std::size_t g, std::size_t first, std::size_t n) {
    const Grid grid = grid_of(ranges_[g], best_.factors[g]);
    const Levels levels{grid.scale, -grid.zero, format_.max_code() - grid.zero};
    out.scales[g] = grid.scale;
    out.zeros[g] = grid.zero;
    for (std::size_t i = first; i < first + n; ++i) {
      const float level = level_of(w_(r, i), best_.offsets[r * w_.cols + i], levels);
      out.codes[r * w_.cols + i] = static_cast<std::uint8_t>(bounded(level, levels) + grid.zero);
    }
  });
  return out;
}

}  // namespace nibble::quant
