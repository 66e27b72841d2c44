#include "quant/solve/least_squares.h"

#include <cmath>
#include <limits>

#include "base/check.h"
#include "quant/solve/parallel_for.h"
#include "quant/solve/rounding.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kFitRowsPerTask = 16;

/// One group on its way to its grid.
class GroupFit {
 public:
  GroupFit(std::span<const float> w, std::span<const float> importance, float max_code)
      : w_(w), importance_(importance), max_code_(max_code), grid_(real_grid(w, max_code)) {}

  RealGrid best(std::size_t max_iterations) {
    RealGrid best = grid_;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i <= max_iterations; ++i) {
      const RealGrid now = grid_;
      const double error = refit();
      if (!(error < least)) {
        break;
      }
      least = error;
      best = now;
    }
    return best;
  }

 private:
  [[nodiscard]] double weight_of(std::size_t i) const {
    return importance_.empty() ? 1.0 : double{importance_[i]};
  }

  /// The error of the grid; the grid becomes the best one for its codes.
  double refit() {
    double n = 0, codes = 0, values = 0, code_square = 0, product = 0, error = 0;
    for (std::size_t i = 0; i < w_.size(); ++i) {
      const double h = weight_of(i);
      const double code = nearest_code(w_[i] * grid_.inverse + grid_.zero, max_code_);
      const double lost = double{w_[i]} - (code - double{grid_.zero}) / double{grid_.inverse};
      error += h * lost * lost;
      n += h;
      codes += h * code;
      values += h * double{w_[i]};
      code_square += h * code * code;
      product += h * code * double{w_[i]};
    }
    const double spread = n * code_square - codes * codes;
    const double slope = spread > 0 ? (n * product - codes * values) / spread : 0.0;
    if (slope > 0 && std::isfinite(1.0 / slope)) {
      grid_.inverse = static_cast<float>(1.0 / slope);
      grid_.zero = static_cast<float>((codes - values / slope) / n);
    }
    return error;
  }

  std::span<const float> w_, importance_;
  float max_code_;
  RealGrid grid_;
};

class LeastSquares final : public Solver {
 public:
  LeastSquares(std::size_t max_iterations, bool is_weighed)
      : max_iterations_(max_iterations), is_weighed_(is_weighed) {}

  std::vector<std::pair<std::string, std::string>> settings() const override {
    return {{"max_iterations", fmt::format("{}", max_iterations_)},
            {"importance", is_weighed_ ? "\"mean_square\"" : "\"none\""}};
  }

  Result<void> check(const codec::Codec& codec) const override {
    const auto* format = codec::int_group_format(codec);
    if (format != nullptr && format->zero == codec::ZeroKind::kFloat && !format->is_permuted) {
      return {};
    }
    return fail(ErrorCode::kUnsupported,
                "method 'least_squares' cannot write codec '{}'; it wants integers with a real "
                "zero, such as int4g64f",
                codec.name());
  }

  Needs needs() const override { return {.mean_square = is_weighed_}; }

  Solved solve(const SolveInput& input,
               const std::shared_ptr<const codec::Codec>& codec,
               ThreadPool& pool) const override {
    const auto& format = *codec::int_group_format(*codec);
    const auto importance = is_weighed_ ? input.mean_square : std::span<const float>();
    const MatrixView<const float> w = input.weight;
    return {
        codec::pack_int_group(
            format, w.rows, w.cols, least_squares(w, importance, format, max_iterations_, pool)),
        {}};
  }

 private:
  std::size_t max_iterations_;
  bool is_weighed_;
};

}  // namespace

codec::IntGroupCodes least_squares(MatrixView<const float> w,
                                   std::span<const float> importance,
                                   const codec::IntGroupFormat& format,
                                   std::size_t max_iterations,
                                   ThreadPool& pool) {
  NIBBLE_CHECK(format.zero == codec::ZeroKind::kFloat, "least_squares wants a real zero");
  NIBBLE_CHECK(importance.empty() || importance.size() == w.cols, "least_squares: importance");
  const std::size_t n_groups = format.n_groups(w.cols);
  const std::size_t size = format.group_of(w.cols);
  const float max_code = format.max_code();
  codec::IntGroupCodes out;
  out.codes.resize(w.rows * w.cols);
  out.scales.resize(w.rows * n_groups);
  out.zeros.resize(w.rows * n_groups);
  parallel_for(pool, w.rows, kFitRowsPerTask, [&](std::size_t r) {
    for (std::size_t g = 0; g < n_groups; ++g) {
      const std::size_t begin = g * size;
      const std::size_t n = std::min(size, w.cols - begin);
      const auto weights = w.row_span(r).subspan(begin, n);
      const RealGrid grid =
          GroupFit(
              weights, importance.empty() ? importance : importance.subspan(begin, n), max_code)
              .best(max_iterations);
      const std::size_t at = r * n_groups + g;
      out.scales[at] = codec::stored_parameter(1.0F / grid.inverse, format.parameters);
      out.zeros[at] = codec::stored_parameter(grid.zero, format.parameters);
      for (std::size_t i = 0; i < n; ++i) {
        out.codes[r * w.cols + begin + i] =
            nearest_code(weights[i] / out.scales[at] + out.zeros[at], max_code);
      }
    }
  });
  return out;
}

std::unique_ptr<Solver> make_least_squares(TomlTable& stage) {
  const auto iterations = stage.optional<std::int64_t>("max_iterations").value_or(20);
  if (iterations < 0 || iterations > 10000) {
    stage.reject("max_iterations", "expected 0 to 10000");
  }
  const std::string importance = stage.optional<std::string>("importance").value_or("none");
  if (importance != "none" && importance != "mean_square") {
    stage.reject("importance", "expected none or mean_square");
  }
  return std::make_unique<LeastSquares>(static_cast<std::size_t>(iterations),
                                        importance == "mean_square");
}

}  // namespace nibble::quant
