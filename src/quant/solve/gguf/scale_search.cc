#include "quant/solve/gguf/scale_search.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "quant/solve/rounding.h"

namespace nibble::quant {
namespace {

constexpr float kNothing = 1e-15F;
constexpr int kMaxSweeps = 5;

/// The sums of a fit x ~ s l: the best s is xl / ll, and it takes xl^2 / ll off the error.
struct Fit {
  float xl = 0.0F;
  float ll = 0.0F;

  void add(float w, float x, float l) noexcept {
    xl += w * x * l;
    ll += w * l * l;
  }
  [[nodiscard]] float scale() const noexcept { return ll > 0.0F ? xl / ll : 0.0F; }
};

float level(float x, float low, float high) noexcept {
  return round_even(std::clamp(x, low, high));
}

Fit fit_levels(std::span<const float> x,
               std::span<const float> w,
               float inverse,
               float half) noexcept {
  Fit fit;
  for (std::size_t i = 0; i < x.size(); ++i) {
    fit.add(w[i], x[i], level(inverse * x[i], -half, half - 1.0F));
  }
  return fit;
}

/// Moves the level of one weight after another to where the others want it, as long as that helps.
void sweep_levels(std::span<const float> x,
                  std::span<const float> w,
                  float low,
                  float high,
                  std::span<float> levels,
                  Fit& fit) noexcept {
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    bool is_changed = false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      Fit others = fit;
      others.xl -= w[i] * x[i] * levels[i];
      others.ll -= w[i] * levels[i] * levels[i];
      if (!(others.xl > 0.0F && others.ll > 0.0F)) {
        continue;
      }
      const float moved = level(x[i] * others.ll / others.xl, low, high);
      if (moved == levels[i]) {
        continue;
      }
      others.add(w[i], x[i], moved);
      if (others.ll > 0.0F && others.xl * others.xl * fit.ll > fit.xl * fit.xl * others.ll) {
        levels[i] = moved;
        fit = others;
        is_changed = true;
      }
    }
    if (!is_changed) {
      return;
    }
  }
}

void store(std::span<const float> levels, float shift, std::span<std::uint8_t> codes) noexcept {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<std::uint8_t>(levels[i] + shift);
  }
}

/// The grid over [0, max] with the smallest error, as its inverse scale.
float best_positive_inverse(std::span<const float> x,
                            std::span<const float> w,
                            float max_code,
                            float max) noexcept {
  float best = -1.0F;
  float found = 0.0F;
  // The first is the plain one, which also wins ties.
  for (const int i : {0, -4, -3, -2, -1, 1, 2, 3, 4}) {
    const float inverse = (0.1F * static_cast<float>(i) + max_code) / max;
    const float scale = 1.0F / inverse;
    float error = 0.0F;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const float diff = x[k] - scale * level(inverse * x[k], 0.0F, max_code);
      error += w[k] * diff * diff;
    }
    if (best < 0.0F || error < best) {
      best = error;
      found = inverse;
    }
  }
  return found;
}

/// One grid of offset_scale: codes, their best scale and offset, and the error.
class OffsetFit {
 public:
  OffsetFit(std::span<const float> x, std::span<const float> w, const OffsetSearch& search) noexcept
      : x_(x), w_(w), search_(search), sum_w_(w[0]), sum_x_(w[0] * x[0]) {
    for (std::size_t i = 1; i < x.size(); ++i) {
      sum_w_ += w[i];
      sum_x_ += w[i] * x[i];
    }
  }

  void round(float inverse, float offset, std::span<float> codes) const noexcept {
    const auto max_code = static_cast<float>(search_.max_code);
    for (std::size_t i = 0; i < x_.size(); ++i) {
      codes[i] = level(inverse * (x_[i] - offset), 0.0F, max_code);
    }
  }

  [[nodiscard]] float error(std::span<const float> codes, ScaleAndOffset grid) const noexcept {
    float sum = 0.0F;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const float diff = grid.scale * codes[i] + grid.offset - x_[i];
      sum += w_[i] * (search_.is_absolute ? std::fabs(diff) : diff * diff);
    }
    return sum;
  }

  /// False when the codes are all alike.
  bool solve(std::span<const float> codes, ScaleAndOffset& grid) const noexcept {
    float l = 0.0F;
    float ll = 0.0F;
    float xl = 0.0F;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      l += w_[i] * codes[i];
      ll += w_[i] * codes[i] * codes[i];
      xl += w_[i] * codes[i] * x_[i];
    }
    const float determinant = sum_w_ * ll - l * l;
    if (!(determinant > 0.0F)) {
      return false;
    }
    grid = {(sum_w_ * xl - sum_x_ * l) / determinant, (ll * sum_x_ - l * xl) / determinant};
    if (grid.offset > 0.0F) {
      grid = {xl / ll, 0.0F};
    }
    return true;
  }

 private:
  std::span<const float> x_, w_;
  const OffsetSearch& search_;
  float sum_w_, sum_x_;
};

}  // namespace

float signed_peak(std::span<const float> x) noexcept {
  float peak = 0.0F;
  for (const float v : x) {
    peak = std::fabs(v) > std::fabs(peak) ? v : peak;
  }
  return std::fabs(peak) < kNothing ? 0.0F : peak;
}

float symmetric_scale(std::span<const float> x,
                      std::span<const float> w,
                      int half,
                      std::span<std::uint8_t> codes) noexcept {
  const float peak = signed_peak(x);
  std::ranges::fill(codes, std::uint8_t{0});
  if (peak == 0.0F) {
    return 0.0F;
  }
  const auto levels = static_cast<float>(half);
  float inverse = -levels / peak;
  Fit fit = fit_levels(x, w, inverse, levels);
  float scale = fit.scale();
  float best = scale * fit.xl;
  for (int i = -9; i <= 9; ++i) {
    const float tried = -(levels + 0.1F * static_cast<float>(i)) / peak;
    fit = i == 0 ? Fit{} : fit_levels(x, w, tried, levels);
    if (fit.ll > 0.0F && fit.xl * fit.xl > best * fit.ll) {
      inverse = tried;
      scale = fit.scale();
      best = scale * fit.xl;
    }
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    codes[i] = static_cast<std::uint8_t>(level(inverse * x[i], -levels, levels - 1.0F) + levels);
  }
  return scale;
}

float descend_scale(std::span<const float> x, int half, std::span<std::uint8_t> codes) noexcept {
  const float peak = signed_peak(x);
  std::ranges::fill(codes, std::uint8_t{0});
  if (peak == 0.0F) {
    return 0.0F;
  }
  const auto low = static_cast<float>(-half);
  std::array<float, 32> levels{};
  std::array<float, 32> weights{};
  Fit fit;
  for (std::size_t i = 0; i < x.size(); ++i) {
    levels[i] = level(low / peak * x[i], low, -low - 1.0F);
    weights[i] = x[i] * x[i];
    fit.add(weights[i], x[i], levels[i]);
  }
  sweep_levels(x, weights, low, -low - 1.0F, levels, fit);
  store(levels, -low, codes);
  return fit.scale();
}

float positive_scale(std::span<const float> x,
                     std::span<const float> w,
                     int max_code,
                     std::span<std::uint8_t> codes) noexcept {
  const float max = std::max(0.0F, *std::ranges::max_element(x));
  std::ranges::fill(codes, std::uint8_t{0});
  if (max < kNothing) {
    return 0.0F;
  }
  const auto high = static_cast<float>(max_code);
  const float inverse = best_positive_inverse(x, w, high, max);
  std::array<float, 32> levels{};
  Fit fit;
  for (std::size_t i = 0; i < x.size(); ++i) {
    levels[i] = level(inverse * x[i], 0.0F, high);
    fit.add(w[i], x[i], levels[i]);
  }
  sweep_levels(x, w, 0.0F, high, levels, fit);
  store(levels, 0.0F, codes);
  return fit.scale();
}

ScaleAndOffset offset_scale(std::span<const float> x,
                            std::span<const float> w,
                            const OffsetSearch& search,
                            std::span<std::uint8_t> codes) noexcept {
  const auto [low, high] = std::ranges::minmax(x);
  ScaleAndOffset out{0.0F, std::min(low, 0.0F)};
  std::ranges::fill(codes, std::uint8_t{0});
  if (high <= out.offset) {
    return out;
  }
  const auto max_code = static_cast<float>(search.max_code);
  const OffsetFit fit(x, w, search);
  std::array<float, 32> best{};
  std::array<float, 32> tried{};
  const float first_inverse = max_code / (high - out.offset);
  out.scale = 1.0F / first_inverse;
  fit.round(first_inverse, out.offset, best);
  float error = fit.error(best, out);
  for (int i = 0; i <= search.n_steps; ++i) {
    // Grids begin at the best offset so far.
    const float inverse =
        (search.first + search.step * static_cast<float>(i) + max_code) / (high - out.offset);
    fit.round(inverse, out.offset, tried);
    if (ScaleAndOffset grid; fit.solve(tried, grid)) {
      if (const float tried_error = fit.error(tried, grid); tried_error < error) {
        error = tried_error;
        out = grid;
        best = tried;
      }
    }
  }
  store(best, 0.0F, codes);
  return out;
}

}  // namespace nibble::quant
