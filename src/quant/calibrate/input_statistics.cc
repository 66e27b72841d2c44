#include "quant/calibrate/input_statistics.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/check.h"
#include "quant/linear_algebra.h"

namespace nibble::quant {

InputStatistics::InputStatistics(const Needs& needs, std::size_t cols)
    : side_(needs.second_moment ? cols : 0),
      moment_(side_ * side_),
      cross_(needs.cross_moment ? side_ * side_ : 0),
      square_sums_(needs.mean_square ? cols : 0),
      mean_(needs.mean ? cols : 0) {}

void InputStatistics::add(MatrixView<const float> x, ThreadPool& pool) {
  if (side_ > 0) {
    add_gram(x, moment(), pool);
  }
  n_tokens_ += x.rows;
  for (std::size_t t = 0; t < x.rows && !square_sums_.empty(); ++t) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      const double v = x(t, c);
      square_sums_[c] += v * v;
    }
  }
  for (std::size_t t = 0; t < x.rows && !mean_.empty(); ++t) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      mean_[c] += double{x(t, c)};
    }
  }
}

void InputStatistics::add_original(MatrixView<const float> original,
                                   MatrixView<const float> x,
                                   ThreadPool& pool) {
  if (cross_.empty()) {
    return;
  }
  NIBBLE_CHECK(original.rows == x.rows && original.cols == x.cols, "add_original: shapes");
  std::vector<float> lost(x.rows * x.cols);
  for (std::size_t t = 0; t < x.rows; ++t) {
    std::transform(original.row(t),
                   original.row(t) + x.cols,
                   x.row(t),
                   lost.begin() + static_cast<std::ptrdiff_t>(t * x.cols),
                   std::minus{});
  }
  add_cross({lost.data(), x.rows, x.cols}, x, {cross_.data(), x.cols, x.cols}, pool);
}

void InputStatistics::finish() {
  mirror_upper(moment());
  mean_square_.resize(square_sums_.size());
  for (std::size_t c = 0; c < mean_square_.size() && n_tokens_ > 0; ++c) {
    mean_square_[c] = static_cast<float>(square_sums_[c] / static_cast<double>(n_tokens_));
  }
  for (double& mean : mean_) {
    mean /= static_cast<double>(std::max<std::size_t>(1, n_tokens_));
  }
}

void InputStatistics::require_finite(std::string_view weight) const {
  const std::size_t n = std::max({side_, mean_square_.size(), mean_.size()});
  for (std::size_t c = 0; c < n; ++c) {
    if ((side_ > 0 && !std::isfinite(moment_[c * side_ + c])) ||
        (!cross_.empty() && !std::isfinite(cross_[c * side_ + c])) ||
        (!mean_square_.empty() && !std::isfinite(mean_square_[c])) ||
        (!mean_.empty() && !std::isfinite(mean_[c]))) {
      raise(ErrorCode::kUnsupported,
            "{}: input {} is not finite on the calibration text; the source model overflows there",
            weight,
            c);
    }
  }
}

SolveInput InputStatistics::solve_input(MatrixView<const float> weight) const {
  return {.weight = weight,
          .second_moment = {moment_.data(), side_, side_},
          .mean_square = mean_square_,
          .cross_moment = {cross_.data(), cross_.empty() ? 0 : side_, cross_.empty() ? 0 : side_}};
}

}  // namespace nibble::quant
