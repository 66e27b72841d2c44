#include "quant/solve/hqq.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "base/check.h"
#include "quant/device/hqq.h"
#include "quant/device_solver.h"
#include "quant/solve/parallel_for.h"
#include "quant/solve/rounding.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRowsPerTask = 16;

/// sign(x) * max(|x| - |x|^(p-1) / beta, 0). Below the point where the two terms meet there is
/// nothing to compute.
class Shrink {
 public:
  explicit Shrink(const HqqSettings& settings)
      : exponent_(settings.p - 1.0F),
        beta_(settings.beta),
        // |x| = |x|^(p-1) / beta at beta^(-1 / (2 - p)); a little less, so that rounding decides
        // nothing.
        nothing_below_(0.999F * std::pow(settings.beta, -1.0F / (2.0F - settings.p))) {}

  float operator()(float x) const noexcept {
    const float size = std::fabs(x);
    if (size < nothing_below_) {
      return 0.0F;
    }
    return std::copysign(std::max(size - std::pow(size, exponent_) / beta_, 0.0F), x);
  }

 private:
  float exponent_, beta_, nothing_below_;
};

struct Group {
  std::span<const float> weights;
  RealGrid* grid;
};

/// One step: moves the zero, returns the sum of |w - value| under the zero before the step.
double step(const Group& group, float max_code, const Shrink& shrink) noexcept {
  const auto [inverse, zero] = *group.grid;
  double error = 0;
  double zero_sum = 0;
  for (const float w : group.weights) {
    const float code = round_even(std::clamp(w * inverse + zero, 0.0F, max_code));
    const float residual = w - (code - zero) / inverse;
    error += static_cast<double>(std::fabs(residual));
    zero_sum += static_cast<double>(code - (w - shrink(residual)) * inverse);
  }
  group.grid->zero = static_cast<float>(zero_sum / static_cast<double>(group.weights.size()));
  return error;
}

/// The matrix cut into groups, each with its grid.
class Problem {
 public:
  Problem(MatrixView<const float> w, const codec::IntGroupFormat& format, ThreadPool& pool)
      : w_(w),
        format_(format),
        pool_(pool),
        n_groups_(format.n_groups(w.cols)),
        grids_(w.rows * n_groups_),
        row_errors_(w.rows) {}

  void start(bool round_zero) {
    for_each_row([&](std::size_t r) {
      for (std::size_t g = 0; g < n_groups_; ++g) {
        const Group it = group(r, g);
        *it.grid = real_grid(it.weights, max_code());
        if (round_zero) {
          it.grid->zero = std::nearbyint(it.grid->zero);
        }
        if (format_.parameters != DType::kF32) {
          it.grid->inverse =
              1.0F / codec::stored_parameter(1.0F / it.grid->inverse, format_.parameters);
        }
      }
    });
  }

  /// The mean of |w - value| under the zeros before the step.
  float iterate(const Shrink& shrink) {
    for_each_row([&](std::size_t r) {
      row_errors_[r] = 0;
      for (std::size_t g = 0; g < n_groups_; ++g) {
        row_errors_[r] += step(group(r, g), max_code(), shrink);
      }
    });
    const double sum = std::accumulate(row_errors_.begin(), row_errors_.end(), 0.0);
    return static_cast<float>(sum / static_cast<double>(w_.rows * w_.cols));
  }

  codec::IntGroupCodes finish() {
    codec::IntGroupCodes out;
    out.codes.resize(w_.rows * w_.cols);
    out.scales.resize(grids_.size());
    out.zeros.resize(grids_.size());
    for_each_row([&](std::size_t r) {
      for (std::size_t g = 0; g < n_groups_; ++g) {
        const std::size_t at = r * n_groups_ + g;
        const auto [weights, grid] = group(r, g);
        grid->zero = codec::stored_parameter(grid->zero, format_.parameters);
        out.scales[at] = 1.0F / grid->inverse;
        out.zeros[at] = grid->zero;
        std::uint8_t* codes = &out.codes[r * w_.cols + g * format_.group_of(w_.cols)];
        for (std::size_t i = 0; i < weights.size(); ++i) {
          codes[i] = nearest_code(weights[i] * grid->inverse + grid->zero, max_code());
        }
      }
    });
    return out;
  }

 private:
  [[nodiscard]] float max_code() const noexcept { return format_.max_code(); }

  Group group(std::size_t r, std::size_t g) noexcept {
    const std::size_t size = format_.group_of(w_.cols);
    const std::size_t begin = g * size;
    return {w_.row_span(r).subspan(begin, std::min(size, w_.cols - begin)),
            &grids_[r * n_groups_ + g]};
  }

  template <class F>
  void for_each_row(const F& f) {
    parallel_for(pool_, w_.rows, kRowsPerTask, f);
  }

  MatrixView<const float> w_;
  codec::IntGroupFormat format_;
  ThreadPool& pool_;
  std::size_t n_groups_;
  std::vector<RealGrid> grids_;
  std::vector<double> row_errors_;
};

}  // namespace

HqqResult hqq(MatrixView<const float> w,
              const codec::IntGroupFormat& format,
              const HqqSettings& settings,
              ThreadPool& pool) {
  NIBBLE_CHECK(format.zero == codec::ZeroKind::kFloat, "hqq wants a format with a real zero");
  HqqResult out;
  Problem problem(w, format, pool);
  problem.start(settings.round_zero);
  const Shrink shrink(settings);
  float best = std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < settings.max_iterations; ++i) {
    out.mean_errors.push_back(problem.iterate(shrink));
    if (!(out.mean_errors.back() < best)) {
      break;
    }
    best = out.mean_errors.back();
  }
  out.codes = problem.finish();
  return out;
}

namespace {

class Hqq final : public Solver, public DeviceSolver {
 public:
  Hqq(HqqSettings settings, std::optional<bool> round_zero)
      : settings_(settings), round_zero_(round_zero) {}

  std::vector<std::pair<std::string, std::string>> settings() const override {
    std::vector<std::pair<std::string, std::string>> out = {
        {"max_iterations", fmt::format("{}", settings_.max_iterations)},
        {"beta", fmt::format("{}", settings_.beta)},
        {"p", fmt::format("{}", settings_.p)}};
    if (round_zero_) {
      out.emplace_back("round_zero", *round_zero_ ? "true" : "false");
    }
    return out;
  }

  Result<void> check(const codec::Codec& codec) const override {
    const auto* format = codec::int_group_format(codec);
    if (format != nullptr && format->zero == codec::ZeroKind::kFloat && !format->is_permuted) {
      return {};
    }
    return fail(ErrorCode::kUnsupported,
                "method 'hqq' cannot write codec '{}'; it wants integers with a real zero, such as "
                "int4g64f",
                codec.name());
  }

  Solved solve(const SolveInput& input,
               const std::shared_ptr<const codec::Codec>& codec,
               ThreadPool& pool) const override {
    const auto& format = *codec::int_group_format(*codec);
    const MatrixView<const float> w = input.weight;
    return {codec::pack_int_group(
                format, w.rows, w.cols, hqq(w, format, settings_for(format), pool).codes),
            {}};
  }

  const DeviceSolver* device_solver() const noexcept override { return this; }
  DeviceSolved solve_on(ops::Device& device,
                        const DeviceSolveInput& input,
                        const codec::Codec& codec) const override {
    const auto& format = *codec::int_group_format(codec);
    return {hqq_on(device, input.weight, format, settings_for(format)), {}};
  }

 private:
  [[nodiscard]] HqqSettings settings_for(const codec::IntGroupFormat& format) const {
    HqqSettings out = settings_;
    out.round_zero = round_zero_.value_or(format.bits == 4);
    return out;
  }

  HqqSettings settings_;
  std::optional<bool> round_zero_;
};

}  // namespace

std::unique_ptr<Solver> make_hqq(TomlTable& stage) {
  HqqSettings settings;
  const auto iterations = stage.optional<std::int64_t>("max_iterations").value_or(20);
  if (iterations < 0 || iterations > 10000) {
    stage.reject("max_iterations", "expected 0 to 10000");
  }
  settings.max_iterations = static_cast<std::size_t>(iterations);
  const double beta = stage.optional<double>("beta").value_or(10.0);
  if (!(beta > 0 && beta <= 1e6)) {
    stage.reject("beta", "expected a number above 0, at most 1e6");
  }
  const double p = stage.optional<double>("p").value_or(0.7);
  if (!(p > 0 && p <= 1)) {
    stage.reject("p", "expected a number above 0, at most 1");
  }
  settings.beta = static_cast<float>(beta);
  settings.p = static_cast<float>(p);
  return std::make_unique<Hqq>(settings, stage.optional<bool>("round_zero"));
}

}  // namespace nibble::quant
