/// A matrix whose rounding is tuned by gradients: an offset for each weight before it is rounded,
/// and two factors for the ends of each group's range.
///
/// With lo = low_factor * min(0, min w), hi = high_factor * max(0, max w) of a group:
///
///   symmetric    scale = -hi / M, or -lo / M where |lo| is larger, M = 2^(bits-1): the code 0 is
///                the wider end, so the scale may be negative
///                q = clamp(round(w / scale + v), -M, M - 1)
///   asymmetric   scale = (hi - lo) / Q, Q = 2^bits - 1; zero = round(-lo / scale)
///                q = clamp(round(w / scale + v), -zero, Q - zero)
///   both         |scale| at least 1e-5, as the format stores it; decoded = scale * q
///
/// Rounding passes gradients on as they are, the clamps pass none from beyond:
///
///   d decoded / d v = scale inside,   d decoded / d scale = q - (inside ? w / scale : 0)
///
/// and asymmetric ones also through zero. A step moves v and the factors against the signs of their
/// gradients; v stays in [-1/2, 1/2], factors in [0, 1]. The last group of a row may be shorter.
///
/// Shapes     w, decoded and its gradient [rows, cols]
/// Requires   w is finite and outlives the tuner; a format with an integer or middle zero
/// Precision  float32
/// Threads    split by rows over `pool`; the result does not depend on its size
/// Source     Cheng et al. 2024, arXiv 2309.05516; the grids are those of auto-round 0.16
///            (`quant_tensor_sym`, `quant_tensor_asym`)
#pragma once

#include <vector>

#include "base/thread_pool.h"
#include "codec/int_group.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

struct StepSizes {
  float rounding = 0.0F;
  float range = 0.0F;
};

/// Whether the state before a step is to be kept as the best so far.
enum class Keep : std::uint8_t { kNo, kYes };

class RoundingTuner {
 public:
  RoundingTuner(MatrixView<const float> w, const codec::IntGroupFormat& format, ThreadPool& pool);

  /// The matrix as it would be decoded now.
  void decode(MatrixView<float> out, ThreadPool& pool) const;
  /// A step by the gradient of the decoded matrix; `out` becomes what `decode` would give then.
  void step(MatrixView<const float> gradient,
            const StepSizes& sizes,
            Keep keep,
            MatrixView<float> out,
            ThreadPool& pool);
  /// The state of now is the best so far.
  void keep() { best_ = now_; }
  /// Of the state kept last; that of the start when none was: rounding to nearest.
  [[nodiscard]] codec::IntGroupCodes codes(ThreadPool& pool) const;

  [[nodiscard]] std::size_t rows() const noexcept { return w_.rows; }
  [[nodiscard]] std::size_t cols() const noexcept { return w_.cols; }

 private:
  struct Range {
    float low, high;
  };
  struct Factors {
    float low = 1.0F, high = 1.0F;
  };
  struct Grid {
    float scale, zero;
    bool is_floored;
  };
  struct Slopes;
  struct State {
    std::vector<float> offsets;    ///< [rows, cols]
    std::vector<Factors> factors;  ///< [rows, n_groups]
  };

  [[nodiscard]] Grid grid_of(const Range& range, const Factors& factors) const noexcept;
  [[nodiscard]] Factors slopes_of(const Range& range,
                                  const Factors& factors,
                                  const Grid& grid,
                                  const Slopes& slopes) const noexcept;
  /// Calls f(row, group's index, first column, columns) for each group.
  template <class F>
  void for_each_group(ThreadPool& pool, const F& f) const;

  MatrixView<const float> w_;
  codec::IntGroupFormat format_;
  std::vector<Range> ranges_;
  State now_, best_;
};

}  // namespace nibble::quant
