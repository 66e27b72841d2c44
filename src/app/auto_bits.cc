#include "app/auto_bits.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/divergence.h"
#include "model/config.h"
#include "quant/calibrate/windows.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostWindow = 512;

/// A model as the reference, which computes the states of each text once for all that are compared.
class KeptReference final : public eval::Reference {
 public:
  KeptReference(std::unique_ptr<model::LanguageModel> model, std::size_t batch_tokens)
      : model_(std::move(model)), computed_(eval::model_reference(*model_, batch_tokens)) {}

  std::vector<float> states(std::span<const std::int32_t> tokens, std::size_t first_row) override {
    auto& kept = kept_[{{tokens.begin(), tokens.end()}, first_row}];
    if (kept.empty()) {
      kept = computed_->states(tokens, first_row);
    }
    return kept;
  }
  void head(MatrixView<const float> states, MatrixView<float> logits) override {
    computed_->head(states, logits);
  }
  [[nodiscard]] std::size_t vocab() const noexcept override { return computed_->vocab(); }

 private:
  std::unique_ptr<model::LanguageModel> model_;
  std::unique_ptr<eval::Reference> computed_;
  std::map<std::pair<std::vector<std::int32_t>, std::size_t>, std::vector<float>> kept_;
};

/// Mean divergence from the model as it is, over the second half of each window.
class DivergenceObjective {
 public:
  DivergenceObjective(const io::Checkpoint& checkpoint,
                      quant::CalibrationWindows windows,
                      ThreadPool& pool)
      : windows_(std::move(windows)), pool_(pool), reference_(build(checkpoint), windows_.window) {}

  double operator()(const io::Checkpoint& checkpoint) {
    const auto model = build(checkpoint);
    eval::Divergence sum;
    const std::size_t n = windows_.window;
    for (std::size_t w = 0; w < windows_.n_windows; ++w) {
      const auto one = eval::compare_window(
          *model, reference_, std::span(windows_.ids).subspan(w * n, n), n / 2, n);
      sum.kl += one.kl;
      sum.n_rows += one.n_rows;
    }
    return sum.kl / static_cast<double>(sum.n_rows);
  }

 private:
  [[nodiscard]] std::unique_ptr<model::LanguageModel> build(const io::Checkpoint& checkpoint) {
    return model::build_model(checkpoint,
                              model::read_config(checkpoint).take(),
                              Arithmetic::kDeterministic,
                              pool_,
                              silent_progress());
  }

  quant::CalibrationWindows windows_;
  ThreadPool& pool_;
  KeptReference reference_;
};

std::vector<std::string> codecs_of(const AutoBitsOptions& options, const quant::Recipe& base) {
  if (!options.codecs.empty()) {
    return options.codecs;
  }
  return quant::codecs_of_all_bits(quant::default_stage(base).scheme.default_codec->name()).take();
}

/// What an earlier run measured, if it is of the same job.
std::optional<quant::Sensitivity> stored(const std::string& file,
                                         const quant::SensitivityJob& job) {
  if (file.empty() || !fs::exists(file)) {
    return std::nullopt;
  }
  const Json json = parse_json(read_text_file(file).take(), file).take();
  quant::Sensitivity found = quant::sensitivity_from_json(json, file).take();
  if (found.job != quant::job_hash(job)) {
    raise(ErrorCode::kMismatch,
          "{}: measured on another model, recipe, text, set of codecs or by another program; name "
          "another file",
          file);
  }
  return found;
}

quant::Sensitivity sensitivity_of(const quant::SensitivityJob& job,
                                  const AutoBitsOptions& options,
                                  quant::CalibrationWindows windows,
                                  const Globals& globals) {
  if (auto found = stored(options.sensitivity, job)) {
    return std::move(*found);
  }
  ThreadPool pool(globals.threads);
  const auto progress = make_progress(globals);
  DivergenceObjective objective(job.checkpoint, std::move(windows), pool);
  quant::Sensitivity measured = quant::measure_sensitivity(job, objective, pool, *progress);
  if (!options.sensitivity.empty()) {
    write_file_atomic(options.sensitivity, quant::sensitivity_json(measured).dump(1) + "\n").take();
  }
  return measured;
}

}  // namespace

void add_auto_bits_options(CLI::App& command, AutoBitsOptions& options) {
  command
      .add_option("--auto-bits",
                  options.bits_per_weight,
                  "Choose the bits of each decoder block by measured divergence, so many bits per "
                  "weight in the mean, scales included")
      ->check(CLI::Range(0.1, 16.0));
  command
      .add_option("--auto-codecs",
                  options.codecs,
                  "What to choose from; default: the recipe's codec with 2, 3, 4, 5, 6, 8 bits")
      ->delimiter(',');
  command.add_flag("--auto-by-matrix", options.by_matrix, "Choose for each linear layer instead");
  command
      .add_option("--auto-text",
                  options.text,
                  "Text to measure on: wikitext2 (the train part), c4, rag, or a file")
      ->capture_default_str();
  command.add_option("--auto-windows", options.n_windows, "Windows of 512 tokens to measure on")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_option(
      "--sensitivity", options.sensitivity, "File that keeps what was measured, for other budgets");
  command.add_option("--recipe-out", options.recipe_out, "File for the recipe that comes out");
}

quant::Recipe choose_bits(const quant::Recipe& base,
                          const io::Checkpoint& checkpoint,
                          const AutoBitsOptions& options,
                          const fs::path& data,
                          const Globals& globals) {
  const auto tokenizer = model::load_tokenizer(checkpoint).take();
  quant::CalibrationSpec spec;
  spec.source = options.text;
  spec.n_windows = options.n_windows;
  spec.window = std::min(kMostWindow, model::read_config(checkpoint).take().context);
  quant::CalibrationWindows windows = quant::make_windows(spec, data, *tokenizer).take();
  const quant::SensitivityJob job{
      checkpoint,
      base,
      codecs_of(options, base),
      options.by_matrix ? quant::PartKind::kMatrix : quant::PartKind::kBlock,
      fmt::format("divergence {}", windows.sha256)};
  const quant::Sensitivity sensitivity = sensitivity_of(job, options, std::move(windows), globals);
  quant::MixedRecipe mixed = quant::mixed_recipe(base, sensitivity, options.bits_per_weight).take();
  if (!options.recipe_out.empty()) {
    write_file_atomic(options.recipe_out, mixed.text).take();
  }
  if (!globals.json) {
    print_out(quant::mixed_text(mixed, sensitivity) + "\n");
  }
  return std::move(mixed.recipe);
}

}  // namespace nibble::app
