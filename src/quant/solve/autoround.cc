#include "quant/solve/autoround.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "quant/device/autoround.h"
#include "quant/gradient/block_gradient.h"
#include "quant/solve/parallel_for.h"
#include "quant/solve/rounding_tuner.h"

namespace nibble::quant {
namespace {

/// Tokens in one pass: enough to fill the kernels, few enough for what a pass keeps.
constexpr std::size_t kTokensAtOnce = 1024;
constexpr std::size_t kRowsPerTask = 32;

std::size_t linear_index(std::string_view name) {
  for (std::size_t i = 0; i < kBlockLinears; ++i) {
    if (block_linear_name(i) == name) {
      return i;
    }
  }
  raise(ErrorCode::kUnsupported,
        "method 'autoround' tunes the linear layers of decoder blocks, '{}' is none of them",
        name);
}

/// A block whose weights are tuned.
class Tuning final : public TunedBlock {
 public:
  Tuning(const BlockSolveInput& input, ThreadPool& pool)
      : input_(input), pool_(pool), gradient_(input.block, pool) {
    for (std::size_t i = 0; i < kBlockLinears; ++i) {
      weights_[i] = input.block.weight(block_linear_name(i));
    }
    for (const BlockWeight& weight : input.weights) {
      const std::size_t i = linear_index(weight.name);
      const auto w = input.block.weight(weight.name);
      tuned_.push_back(
          {i, RoundingTuner(w, *codec::int_group_format(*weight.codec), pool), {}, {}});
      Tuned& tuned = tuned_.back();
      tuned.decoded.resize(w.rows * w.cols);
      tuned.gradient.resize(w.rows * w.cols);
      const MatrixView<float> decoded(tuned.decoded.data(), w.rows, w.cols);
      tuned.tuner.decode(decoded, pool);
      weights_[i] = decoded;
      gradients_[i] = {tuned.gradient.data(), w.rows, w.cols};
    }
  }

  /// The mean square error over some windows; its gradients lie ready for `step`.
  double loss(std::span<const std::size_t> windows) override {
    for (Tuned& tuned : tuned_) {
      std::ranges::fill(tuned.gradient, 0.0F);
    }
    const std::size_t at_once = std::max<std::size_t>(1, kTokensAtOnce / input_.window);
    double sum = 0;
    for (std::size_t first = 0; first < windows.size(); first += at_once) {
      sum += pass(windows.subspan(first, std::min(at_once, windows.size() - first)));
    }
    return sum / static_cast<double>(windows.size() * input_.window * input_.inputs.cols);
  }

  void step(const StepSizes& sizes, Keep keep) override {
    for (Tuned& tuned : tuned_) {
      const MatrixView<float> decoded(tuned.decoded.data(), tuned.tuner.rows(), tuned.tuner.cols());
      tuned.tuner.step(gradients_[tuned.linear], sizes, keep, decoded, pool_);
    }
  }

  void keep() override {
    for (Tuned& tuned : tuned_) {
      tuned.tuner.keep();
    }
  }

  [[nodiscard]] std::vector<codec::IntGroupCodes> codes() const {
    std::vector<codec::IntGroupCodes> out;
    for (const Tuned& tuned : tuned_) {
      out.push_back(tuned.tuner.codes(pool_));
    }
    return out;
  }

 private:
  struct Tuned {
    std::size_t linear;
    RoundingTuner tuner;
    std::vector<float> decoded, gradient;
  };

  /// The sum of squared errors; gradients are those of half of it.
  double pass(std::span<const std::size_t> windows) {
    const std::size_t cols = input_.inputs.cols;
    const std::size_t window = input_.window;
    hidden_.resize(windows.size() * window * cols);
    out_.resize(hidden_.size());
    const MatrixView<float> hidden(hidden_.data(), windows.size() * window, cols);
    const MatrixView<float> out(out_.data(), hidden.rows, cols);
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const auto from = input_.inputs.rows_from(windows[i] * window, window);
      for (std::size_t t = 0; t < window; ++t) {
        std::copy_n(from.row(t), cols, hidden.row(i * window + t));
      }
    }
    gradient_.forward(hidden, window, weights_, out);
    std::vector<double> sums(out.rows);
    parallel_for(pool_, out.rows, kRowsPerTask, [&](std::size_t r) {
      const float* wanted = input_.targets.row(windows[r / window] * window + r % window);
      for (std::size_t c = 0; c < cols; ++c) {
        out(r, c) -= wanted[c];
        sums[r] += static_cast<double>(out(r, c)) * static_cast<double>(out(r, c));
      }
    });
    gradient_.backward(weights_, out, gradients_);
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

  const BlockSolveInput& input_;
  ThreadPool& pool_;
  BlockGradient<float> gradient_;
  std::vector<Tuned> tuned_;
  BlockGradient<float>::Weights weights_;
  BlockGradient<float>::WeightGradients gradients_;
  std::vector<float> hidden_, out_;
};

}  // namespace

AutoroundResult autoround(const BlockSolveInput& input,
                          const AutoroundSettings& settings,
                          ThreadPool& pool,
                          FunctionRef<void(double)> done) {
  NIBBLE_CHECK(input.window > 0 && input.inputs.rows % input.window == 0 &&
                   input.targets.rows == input.inputs.rows,
               "autoround: whole windows");
  Tuning tuning(input, pool);
  AutoroundResult out;
  static_cast<AutoroundTrace&>(out) =
      autoround_steps(tuning, input.inputs.rows / input.window, input.layer, settings, done);
  out.codes = tuning.codes();
  return out;
}

namespace {

class Autoround final : public Solver,
                        public BlockSolver,
                        public DeviceSolver,
                        public DeviceBlockSolver {
 public:
  explicit Autoround(const AutoroundSettings& settings) : settings_(settings) {}

  std::vector<std::pair<std::string, std::string>> settings() const override {
    return {{"iterations", fmt::format("{}", settings_.iterations)},
            {"batch", fmt::format("{}", settings_.batch)},
            {"rate", fmt::format("{}", settings_.rate)},
            {"keep", settings_.keeps_best ? "\"best\"" : "\"last\""},
            {"tune_range", settings_.tunes_range ? "true" : "false"},
            {"seed", fmt::format("{}", settings_.seed)}};
  }

  Result<void> check(const codec::Codec& codec) const override {
    const auto* format = codec::int_group_format(codec);
    if (format != nullptr && format->zero != codec::ZeroKind::kFloat && !format->is_permuted) {
      return {};
    }
    return fail(ErrorCode::kUnsupported,
                "method 'autoround' cannot write codec '{}'; it wants integers with an integer or "
                "middle zero, such as int4g128sh",
                codec.name());
  }

  const BlockSolver* block_solver() const noexcept override { return this; }

  Solved solve(const SolveInput& input,
               const std::shared_ptr<const codec::Codec>& codec,
               ThreadPool& pool) const override {
    const auto& format = *codec::int_group_format(*codec);
    const RoundingTuner tuner(input.weight, format, pool);
    return {codec::pack_int_group(format, input.weight.rows, input.weight.cols, tuner.codes(pool)),
            {},
            {}};
  }

  std::vector<Solved> solve_block(const BlockSolveInput& input,
                                  ThreadPool& pool,
                                  FunctionRef<void(double)> done) const override {
    const AutoroundResult result = autoround(input, settings_, pool, done);
    std::vector<Solved> out;
    for (std::size_t i = 0; i < input.weights.size(); ++i) {
      const auto w = input.block.weight(input.weights[i].name);
      const auto& format = *codec::int_group_format(*input.weights[i].codec);
      out.push_back({codec::pack_int_group(format, w.rows, w.cols, result.codes[i]), {}, {}});
      out.back().measures = measures_of(result);
    }
    return out;
  }

  const DeviceSolver* device_solver() const noexcept override { return this; }
  const DeviceBlockSolver* device_block_solver() const noexcept override { return this; }

  DeviceSolved solve_on(ops::Device& device,
                        const DeviceSolveInput& input,
                        const codec::Codec& codec) const override {
    return {autoround_start_on(device, input.weight, *codec::int_group_format(codec)), {}};
  }

  std::size_t block_bytes(const model::ModelConfig& config, std::size_t window) const override {
    return autoround_bytes_on(config, window);
  }

  std::vector<DeviceSolved> solve_block_on(const DeviceBlockInput& input,
                                           FunctionRef<void(double)> done) const override {
    DeviceAutoround result = autoround_on(input, settings_, done);
    std::vector<DeviceSolved> out;
    for (DeviceCodes& codes : result.codes) {
      out.push_back({std::move(codes), {}, measures_of(result)});
    }
    return out;
  }

 private:
  [[nodiscard]] std::vector<Fact> measures_of(const AutoroundTrace& trace) const {
    if (settings_.iterations == 0) {
      return {};
    }
    return {{"iterations", static_cast<double>(settings_.iterations)},
            {"best_iteration", static_cast<double>(trace.best_iteration)},
            {"first_loss", trace.first_loss},
            {"best_loss", trace.best_loss}};
  }

  AutoroundSettings settings_;
};

std::size_t read_count(TomlTable& stage,
                       std::string_view key,
                       std::int64_t least,
                       std::size_t usual) {
  const auto value = stage.optional<std::int64_t>(key);
  if (value && (*value < least || *value > 1'000'000)) {
    stage.reject(key, fmt::format("expected {} to 1000000", least));
  }
  return value ? static_cast<std::size_t>(*value) : usual;
}

}  // namespace

std::unique_ptr<Solver> make_autoround(TomlTable& stage) {
  AutoroundSettings settings;
  settings.iterations = read_count(stage, "iterations", 0, settings.iterations);
  settings.batch = read_count(stage, "batch", 1, settings.batch);
  const double usual =
      settings.iterations == 0 ? 0 : 1.0 / static_cast<double>(settings.iterations);
  settings.rate = stage.optional<double>("rate").value_or(usual);
  if (!(settings.rate >= 0 && settings.rate <= 1)) {
    stage.reject("rate", "expected a number from 0 to 1");
  }
  const auto keep = stage.optional<std::string>("keep").value_or("best");
  if (keep != "best" && keep != "last") {
    stage.reject("keep", fmt::format("'{}' is not known, expected one of: best, last", keep));
  }
  settings.keeps_best = keep == "best";
  settings.tunes_range = stage.optional<bool>("tune_range").value_or(settings.tunes_range);
  const auto seed = stage.optional<std::int64_t>("seed").value_or(42);
  if (seed < 0) {
    stage.reject("seed", "expected a number from 0");
  }
  settings.seed = static_cast<std::uint64_t>(seed);
  return std::make_unique<Autoround>(settings);
}

}  // namespace nibble::quant
