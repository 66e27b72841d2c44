#include "study/model_runner.h"

#include <fmt/format.h>

#include <ctime>

#include "base/check.h"
#include "eval/evaluate.h"
#include "io/checkpoint.h"
#include "model/weights.h"
#include "profile/peak_memory.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

/// Stored bits of all tensors over the number of parameters.
double bits_per_weight(const io::Checkpoint& checkpoint, const model::ModelConfig& config) {
  std::size_t n_bytes = 0;
  for (const std::string& name : checkpoint.names()) {
    n_bytes += checkpoint.tensor(name).take().matrix.n_bytes();
  }
  return 8 * static_cast<double>(n_bytes) / static_cast<double>(config.n_parameters());
}

/// Of the embedding where the head is another matrix: a token reads one row of it.
std::size_t unread_bytes(const io::Checkpoint& checkpoint, const model::ModelConfig& config) {
  const auto embedding = model::find_weight(checkpoint, config, "model.embed_tokens.weight");
  return config.tied_embeddings || !embedding ? 0 : embedding->n_bytes();
}

/// Passes on what loading a variant notes, with its name; how far it is no one needs to know.
class LoadNotes final : public ProgressSink {
 public:
  LoadNotes(ProgressSink& to, std::string_view variant) : to_(to), variant_(variant) {}
  void begin(std::string_view /*stage*/, std::uint64_t /*total*/) override {}
  void advance(std::uint64_t /*steps*/) override {}
  void end() override {}
  void note(std::string_view line) override { to_.note(fmt::format("{}: {}", variant_, line)); }

 private:
  ProgressSink& to_;
  std::string_view variant_;
};

double process_cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

}  // namespace

fs::path variant_folder(const fs::path& folder, std::string_view id) {
  constexpr std::size_t kDigits = 16;
  return folder / id.substr(0, kDigits);
}

ModelRunner::ModelRunner(Places places, Arithmetic arithmetic, ThreadPool& pool)
    : places_(std::move(places)),
      arithmetic_(arithmetic),
      pool_(pool),
      profiler_(pool, places_.device) {}

ModelRunner::~ModelRunner() = default;

fs::path ModelRunner::build(const PlannedVariant& variant,
                            ProgressSink& making,
                            std::optional<store::QuantizeCost>& cost) {
  if (!variant.recipe) {
    return places_.model;
  }
  fs::path folder = variant_folder(places_.folder, variant.record.id);
  if (!fs::exists(folder)) {
    making.note(fmt::format("{}: quantizing into {}", variant.record.name, folder.string()));
    const bool peak_is_ours = profile::reset_peak_memory();
    const double cpu_seconds = process_cpu_seconds();
    const quant::QuantizeReport report = quantize(variant, folder, making);
    if (!report.is_resumed) {
      cost = store::QuantizeCost{report.seconds,
                                 process_cpu_seconds() - cpu_seconds,
                                 peak_is_ours ? profile::peak_memory_bytes() : std::nullopt};
    }
  }
  return folder;
}

quant::QuantizeReport ModelRunner::quantize(const PlannedVariant& variant,
                                            const fs::path& folder,
                                            ProgressSink& making) {
  const auto checkpoint = io::open_checkpoint(places_.model).take();
  const auto side = quant::choose_side(*checkpoint, *variant.recipe, places_.device);
  const auto run = [&](const std::string& device) {
    return quant::quantize_checkpoint(*checkpoint,
                                      *variant.recipe,
                                      folder,
                                      pool_,
                                      making,
                                      {.data = places_.data, .device = device});
  };
  auto report = run(side.device);
  const bool is_refused = !report && (report.failure().code == ErrorCode::kOutOfMemory ||
                                      report.failure().code == ErrorCode::kDevice);
  if (is_refused && side.device != kHost) {
    making.note(fmt::format(
        "{}: quantizing on the host: {}", variant.record.name, report.failure().message));
    report = run(std::string(kHost));
  }
  return std::move(report).take();
}

void ModelRunner::compare_with_reference(const fs::path& variant) {
  if (!reference_) {
    reference_ = std::make_unique<ReferenceStates>(places_.reference, pool_);
  }
  const bool is_reference = variant == places_.reference.model;
  reference_->use(is_reference ? loaded_->model.get() : nullptr);
  engine_->set_reference(reference_.get());
}

store::VariantFacts ModelRunner::open(const PlannedVariant& variant, ProgressSink& making) {
  close();
  std::optional<store::QuantizeCost> cost;
  const fs::path path = build(variant, making, cost);
  peak_is_ours_ = profile::reset_peak_memory();
  LoadNotes notes(making, variant.record.name);
  auto loaded = model::load_model(path,
                                  {.arithmetic = arithmetic_,
                                   .with_hash = true,
                                   .device = places_.device,
                                   .device_memory = places_.device_memory,
                                   .kv = variant.kv},
                                  pool_,
                                  notes);
  if (!loaded && variant.recipe && loaded.failure().code != ErrorCode::kOutOfMemory) {
    raise(loaded.failure().code,
          "{}; remove {} to have it made again",
          loaded.failure().message,
          path.string());
  }
  loaded_ = std::move(loaded).take();
  const auto& known = variant.record.facts;
  if (known && known->model_hash != loaded_->hash) {
    raise(ErrorCode::kMismatch,
          "{}: the weights are not those that this study has run before; remove the folder to have "
          "them made again, or name another output folder",
          path.string());
  }
  engine_ = std::make_unique<eval::Engine>(*loaded_, eval::default_engine_options(*loaded_));
  compare_with_reference(path);
  const auto checkpoint = io::open_checkpoint(path).take();
  embedding_bytes_ = unread_bytes(*checkpoint, loaded_->model->config());
  return {loaded_->hash,
          loaded_->file_bytes,
          loaded_->model->weight_bytes(),
          bits_per_weight(*checkpoint, loaded_->model->config()),
          loaded_->weight_types,
          cost};
}

std::vector<store::MeasurementRecord> ModelRunner::measure(const profile::Options& options) {
  NIBBLE_CHECK(loaded_.has_value(), "no variant is open");
  std::vector<store::MeasurementRecord> out;
  for (const profile::Measurement& row :
       profiler_.measure({*loaded_, embedding_bytes_, peak_is_ours_}, options)) {
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      out.push_back({row.name, row.unit, i, row.values[i], ""});
    }
    if (row.values.empty()) {
      out.push_back({row.name, row.unit, 0, {}, row.reason});
    }
  }
  return out;
}

std::vector<eval::SampleResult> ModelRunner::answer(const eval::Task& task,
                                                    std::span<const eval::Sample> samples) {
  NIBBLE_CHECK(engine_ != nullptr, "no variant is open");
  std::vector<eval::Request> requests;
  for (const eval::Sample& sample : samples) {
    requests.insert(requests.end(), sample.requests.begin(), sample.requests.end());
  }
  const std::vector<eval::Response> responses = engine_->answer(requests);
  std::vector<eval::SampleResult> out;
  std::size_t first = 0;
  for (const eval::Sample& sample : samples) {
    out.push_back(eval::score_sample(
        task, sample, std::span(responses).subspan(first, sample.requests.size())));
    first += sample.requests.size();
  }
  return out;
}

void ModelRunner::close() {
  engine_.reset();
  if (reference_) {
    reference_->use(nullptr);
    reference_->release();
  }
  loaded_.reset();
}

}  // namespace nibble::study
