#include "quant/solve/gptq.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "quant/device/gptq.h"
#include "quant/device_solver.h"
#include "quant/linear_algebra.h"
#include "quant/products.h"
#include "quant/solve/gptaq.h"
#include "quant/solve/nearest.h"
#include "quant/solve/parallel_for.h"
#include "quant/solve/rounding.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kBlock = 128;
constexpr std::size_t kRowsPerTask = 32;

/// H with a one for the energy of each dead input.
class Moment {
 public:
  explicit Moment(MatrixView<const double> h) : h_(h), diagonal_(h.cols) {
    for (std::size_t k = 0; k < h.cols; ++k) {
      is_dead_.push_back(h(k, k) == 0.0);
      diagonal_[k] = is_dead_[k] ? 1.0 : h(k, k);
    }
  }

  [[nodiscard]] std::span<const double> diagonal() const { return diagonal_; }
  [[nodiscard]] bool is_dead(std::size_t input) const { return is_dead_[input]; }
  [[nodiscard]] std::size_t n_dead() const {
    return static_cast<std::size_t>(std::ranges::count(is_dead_, true));
  }

  /// U in float32 and how it came about.
  std::vector<float> factor(std::span<const std::uint32_t> order, GptqResult& result) {
    const std::size_t n = h_.cols;
    const double mean = std::accumulate(diagonal_.begin(), diagonal_.end(), 0.0) /
                        static_cast<double>(std::max<std::size_t>(n, 1));
    std::vector<double> u(n * n);
    const MatrixView<double> view(u.data(), n, n);
    for (;;) {
      fill(order, result.damping * mean, view);
      if (factor_inverse(view)) {
        break;
      }
      if (result.damping >= 1.0) {
        result.is_diagonal = true;
        std::ranges::fill(u, 0.0);
        for (std::size_t p = 0; p < n; ++p) {
          view(p, p) = 1.0;
        }
        break;
      }
      result.damping = std::clamp(result.damping * 10.0, 0.01, 1.0);
    }
    return {u.begin(), u.end()};
  }

 private:
  void fill(std::span<const std::uint32_t> order, double damping, MatrixView<double> out) const {
    for (std::size_t p = 0; p < order.size(); ++p) {
      const double* row = h_.row(order[p]);
      for (std::size_t q = 0; q < order.size(); ++q) {
        out(p, q) = row[order[q]];
      }
      out(p, p) = diagonal_[order[p]] + damping;
    }
  }

  MatrixView<const double> h_;
  std::vector<double> diagonal_;
  std::vector<bool> is_dead_;
};

struct Problem {
  MatrixView<const float> w;
  codec::IntGroupFormat format;
  bool static_groups;
  RangeRule range;
  const Places& places;
  const Moment& moment;
  MatrixView<const float> u;
  MatrixView<const float> moves = {};  ///< of gptaq.h; no data without asymmetry
};

/// Some rows of the matrix on their way through the inputs.
class Rows {
 public:
  Rows(const Problem& problem, std::size_t first, std::size_t n_rows, codec::IntGroupCodes& out)
      : problem_(problem),
        first_(first),
        n_rows_(n_rows),
        cols_(problem.w.cols),
        n_groups_(problem.format.n_groups(cols_)),
        out_(out),
        weights_(n_rows * cols_),
        errors_(n_rows * kBlock),
        values_(problem.moves.data == nullptr ? 0 : n_rows * kBlock) {
    for (std::size_t r = 0; r < n_rows; ++r) {
      const float* row = problem.w.row(first + r);
      for (std::size_t p = 0; p < cols_; ++p) {
        const std::uint32_t input = problem.places.input[p];
        weights_[r * cols_ + p] = problem.moment.is_dead(input) ? 0.0F : row[input];
      }
      if (problem.static_groups) {
        set_static_grids(r);
      }
    }
  }

  void run() {
    for (std::size_t begin = 0; begin < cols_; begin += kBlock) {
      const std::size_t size = std::min(kBlock, cols_ - begin);
      for (std::size_t r = 0; r < n_rows_; ++r) {
        run_block(r, begin, size);
      }
      const std::size_t end = begin + size;
      subtract_product({errors_.data(), n_rows_, size, kBlock},
                       problem_.u.rows_from(begin, size).cols_from(end, cols_ - end),
                       {weights_.data() + end, n_rows_, cols_ - end, cols_});
      if (!values_.empty()) {
        const MatrixView<const float> values(values_.data(), n_rows_, size, kBlock);
        const auto moves = problem_.moves.rows_from(begin, size).cols_from(end, cols_ - end);
        product<float>(plain(values),
                       plain(moves),
                       1.0F,
                       {weights_.data() + end, n_rows_, cols_ - end, cols_});
      }
    }
  }

 private:
  void set_static_grids(std::size_t r) {
    std::vector<float> natural(cols_);
    for (std::size_t p = 0; p < cols_; ++p) {
      natural[problem_.places.input[p]] = weights_[r * cols_ + p];
    }
    const std::size_t group = problem_.format.group_of(cols_);
    for (std::size_t g = 0; g < n_groups_; ++g) {
      const std::size_t begin = g * group;
      set_grid(r, g, std::span(natural).subspan(begin, std::min(group, cols_ - begin)));
    }
  }

  void set_grid(std::size_t r, std::size_t g, std::span<const float> weights) {
    const GroupGrid grid = integer_grid(weights, problem_.format, problem_.range);
    out_.scales[(first_ + r) * n_groups_ + g] = grid.scale;
    out_.zeros[(first_ + r) * n_groups_ + g] = grid.zero;
  }

  /// The weights of the group that starts at place p; those of a later block lack the errors of
  /// this one.
  [[nodiscard]] std::span<const float> group_at(std::size_t r, std::size_t p) const {
    std::size_t end = p + 1;
    while (end < cols_ && problem_.places.group[end] == problem_.places.group[p]) {
      ++end;
    }
    return {&weights_[r * cols_ + p], end - p};
  }

  void run_block(std::size_t r, std::size_t begin, std::size_t size) {
    std::array<float, kBlock> w;
    std::copy_n(&weights_[r * cols_ + begin], size, w.begin());
    const auto& group = problem_.places.group;
    const float max_code = problem_.format.max_code();
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t p = begin + i;
      const std::size_t g = group[p];
      if (!problem_.static_groups && (p == 0 || group[p - 1] != g)) {
        set_grid(r, g, group_at(r, p));
      }
      const float scale = out_.scales[(first_ + r) * n_groups_ + g];
      const float zero = out_.zeros[(first_ + r) * n_groups_ + g];
      const float code = round_even(std::clamp(w[i] / scale, -zero, max_code - zero)) + zero;
      out_.codes[(first_ + r) * cols_ + problem_.places.input[p]] = static_cast<std::uint8_t>(code);
      const float* u = problem_.u.row(p) + begin;
      const float value = scale * (code - zero);
      const float error = (w[i] - value) / u[i];
      errors_[r * kBlock + i] = error;
      for (std::size_t j = i + 1; j < size; ++j) {
        w[j] -= error * u[j];
      }
      if (!values_.empty()) {
        values_[r * kBlock + i] = value;
        const float* moves = problem_.moves.row(p) + begin;
        for (std::size_t j = i + 1; j < size; ++j) {
          w[j] += w[i] * moves[j];
        }
      }
    }
  }

  const Problem& problem_;
  std::size_t first_, n_rows_, cols_, n_groups_;
  codec::IntGroupCodes& out_;
  std::vector<float> weights_;  ///< in the order of the places
  std::vector<float> errors_;   ///< of the block, [n_rows, kBlock]
  std::vector<float> values_;   ///< decoded, of the block; empty without asymmetry
};

}  // namespace

GptqResult gptq(MatrixView<const float> w,
                MatrixView<const double> h,
                const codec::IntGroupFormat& format,
                const GptqSettings& settings,
                ThreadPool& pool,
                MatrixView<const double> cross) {
  NIBBLE_CHECK(format.zero != codec::ZeroKind::kFloat, "gptq wants a format with an integer zero");
  NIBBLE_CHECK(h.rows == w.cols && h.cols == w.cols, "gptq: the second moment does not fit");
  GptqResult out;
  out.damping = settings.damping;
  out.codes.codes.resize(w.rows * w.cols);
  out.codes.scales.resize(w.rows * format.n_groups(w.cols));
  out.codes.zeros.resize(out.codes.scales.size());
  if (w.rows == 0 || w.cols == 0) {
    return out;
  }
  Moment moment(h);
  out.n_dead = moment.n_dead();
  Places places = make_places(
      moment.diagonal(), format.group_of(w.cols), settings.order, settings.has_groups_by_place());
  const std::vector<float> u = moment.factor(places.input, out);
  Problem problem{w,
                  format,
                  settings.static_groups,
                  settings.range,
                  places,
                  moment,
                  {u.data(), w.cols, w.cols}};
  std::vector<float> moves;
  if (settings.asymmetry > 0 && !out.is_diagonal) {
    moves = asymmetry_moves(cross, places.input, problem.u, settings.asymmetry, pool);
    problem.moves = {moves.data(), w.cols, w.cols};
  }
  const std::size_t n_tasks = ceil_div(w.rows, kRowsPerTask);
  pool.run(n_tasks, [&](std::size_t task, std::size_t /*worker*/) {
    const std::size_t first = task * kRowsPerTask;
    Rows(problem, first, std::min(kRowsPerTask, w.rows - first), out.codes).run();
  });
  if (format.is_permuted) {
    out.codes.order = places.input;
  }
  out.order = std::move(places.input);
  return out;
}

namespace {

constexpr std::string_view kOrders[] = {"natural", "activation", "grouped"};

class Gptq final : public Solver, public DeviceSolver {
 public:
  explicit Gptq(const GptqSettings& settings) : settings_(settings) {}

  std::vector<std::pair<std::string, std::string>> settings() const override {
    std::vector<std::pair<std::string, std::string>> out = {
        {"order", fmt::format("\"{}\"", kOrders[static_cast<std::size_t>(settings_.order)])},
        {"static_groups", settings_.static_groups ? "true" : "false"},
        {"damping", fmt::format("{}", settings_.damping)}};
    if (settings_.range != RangeRule::kMinMax) {
      out.emplace_back(
          "range", fmt::format("\"{}\"", kRangeRules[static_cast<std::size_t>(settings_.range)]));
    }
    if (settings_.asymmetry > 0) {
      out.emplace_back("asymmetry", fmt::format("{}", settings_.asymmetry));
    }
    return out;
  }

  Result<void> check(const codec::Codec& codec) const override {
    const auto* format = codec::int_group_format(codec);
    if (format != nullptr && format->zero != codec::ZeroKind::kFloat) {
      return check_groups(*format);
    }
    return fail(
        ErrorCode::kUnsupported,
        "method 'gptq' cannot write codec '{}'; it wants integers with an integer or middle "
        "zero, such as int4g128a",
        codec.name());
  }

  Needs needs() const override { return {.cross_moment = settings_.asymmetry > 0}; }

  Solved solve(const SolveInput& input,
               const std::shared_ptr<const codec::Codec>& codec,
               ThreadPool& pool) const override {
    const auto& format = *codec::int_group_format(*codec);
    const MatrixView<const float> w = input.weight;
    if (input.second_moment.data == nullptr && w.cols > 0) {
      raise(ErrorCode::kInvalidArgument, "method 'gptq' wants the second moment of the inputs");
    }
    if (input.cross_moment.data == nullptr && w.cols > 0 && settings_.asymmetry > 0) {
      raise(ErrorCode::kInvalidArgument,
            "method 'gptq' with asymmetry wants the inputs of the original model, too");
    }
    const GptqResult result =
        gptq(w, input.second_moment, format, settings_, pool, input.cross_moment);
    return {codec::pack_int_group(format, w.rows, w.cols, result.codes), facts_of(result)};
  }

  const DeviceSolver* device_solver() const noexcept override { return this; }
  Result<void> check_device() const override { return check_gptq_on(settings_); }
  DeviceSolved solve_on(ops::Device& device,
                        const DeviceSolveInput& input,
                        const codec::Codec& codec) const override {
    if (input.second_moment == nullptr) {
      raise(ErrorCode::kInvalidArgument, "method 'gptq' wants the second moment of the inputs");
    }
    DeviceGptq result = gptq_on(
        device, input.weight, *input.second_moment, *codec::int_group_format(codec), settings_);
    return {std::move(result.codes), facts_of(result)};
  }

 private:
  /// What is out of the ordinary in a result of either side.
  template <class T>
  [[nodiscard]] std::vector<Fact> facts_of(const T& result) const {
    std::vector<Fact> out;
    if (result.n_dead > 0) {
      out.push_back({"dead_inputs", static_cast<double>(result.n_dead)});
    }
    if (result.is_diagonal) {
      out.push_back({"singular_second_moment", 1.0});
    } else if (result.damping != settings_.damping) {
      out.push_back({"raised_damping", result.damping});
    }
    return out;
  }

  /// Groups in the order of activations need a codec that stores it, and only they.
  Result<void> check_groups(const codec::IntGroupFormat& format) const {
    if (settings_.has_groups_by_place() == format.is_permuted || format.group == 0) {
      return {};
    }
    if (settings_.has_groups_by_place()) {
      return fail(ErrorCode::kUnsupported,
                  "order \"activation\" without static groups wants a codec that stores the order "
                  "of the inputs, such as int4g128pah; found {}",
                  codec::int_group_name(format));
    }
    return fail(ErrorCode::kUnsupported,
                "codec '{}' stores an order of the inputs; it wants order = \"activation\" and "
                "static_groups = false",
                codec::int_group_name(format));
  }

  GptqSettings settings_;
};

}  // namespace

std::unique_ptr<Solver> make_gptq(TomlTable& stage) {
  GptqSettings settings;
  const std::string order = stage.optional<std::string>("order").value_or("activation");
  const auto found = std::ranges::find(kOrders, order);
  if (found == std::end(kOrders)) {
    stage.reject(
        "order",
        fmt::format("'{}' is not known, expected one of: {}", order, fmt::join(kOrders, ", ")));
  }
  settings.order = static_cast<InputOrder>(found - std::begin(kOrders));
  settings.static_groups =
      stage.optional<bool>("static_groups").value_or(settings.order == InputOrder::kActivation);
  settings.damping = stage.optional<double>("damping").value_or(settings.damping);
  if (!(settings.damping >= 0 && settings.damping <= 1)) {
    stage.reject("damping", "expected a number from 0 to 1");
  }
  settings.range = read_range_rule(stage);
  settings.asymmetry = stage.optional<double>("asymmetry").value_or(0);
  if (!(settings.asymmetry >= 0 && settings.asymmetry <= 1)) {
    stage.reject("asymmetry", "expected a number from 0 to 1");
  }
  return std::make_unique<Gptq>(settings);
}

}  // namespace nibble::quant
