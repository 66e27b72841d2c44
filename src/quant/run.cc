#include "quant/run.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "base/cancel.h"
#include "base/folder_lock.h"
#include "base/hash.h"
#include "base/numerics.h"
#include "io/checkpoint_writer.h"
#include "kernels/select.h"
#include "model/companions.h"
#include "model/config.h"
#include "model/load.h"
#include "model/weights.h"
#include "quant/calibrate/block_run.h"
#include "quant/device/blocks.h"
#include "quant/kv/calibrate_kv.h"
#include "quant/matrix.h"
#include "quant/mixed/replaced_view.h"
#include "quant/recipe_model.h"

namespace nibble::quant {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
constexpr std::size_t kHashDigits = 64;  ///< of SHA-256

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A vector has one dimension in the file.
Tensor vector_tensor(const codec::EncodedMatrix& vector) {
  const Shape shape = {vector.rows * vector.cols};
  if (const Tensor* stored = vector.part("values")) {
    return stored->reshaped(shape);
  }
  return Tensor::from<float>(DType::kF32, shape, codec::decode_all(vector));
}

/// One run: the checkpoint read on one side, the folder written on the other.
class Run {
 public:
  Run(const io::Checkpoint& checkpoint,
      const Recipe& recipe,
      ThreadPool& pool,
      ProgressSink& progress,
      const std::string& device)
      : source_(checkpoint),
        model_(recipe, checkpoint, &pool),
        checkpoint_(model_.checkpoint()),
        config_(model_.config()),
        pool_(pool),
        progress_(progress) {
    report_.plan = make_plan(recipe, checkpoint).take();
    if (device != "cpu") {
      device_ = ops::Device::open(device);
      if (auto able = check_device_plan(report_.plan, config_); !able) {
        raise(able.failure().code, "{}; --device cpu does it", able.failure().message);
      }
    }
  }

  QuantizeReport write(const fs::path& folder, const fs::path& data) {
    const auto start = Clock::now();
    auto writer = io::CheckpointWriter::create(folder, report_.plan.bytes_after).take();
    progress_.begin(fmt::format("quantize with {}", recipe().name), report_.plan.n_parameters);
    // A device leaves the processor free for what the provenance wants.
    const auto hashing = device_ ? std::async(std::launch::async, [this] { return source_.hash(); })
                                 : std::future<std::string>();
    if (recipe().calibration) {
      read_windows(data);
    }
    if (recipe().looks_at_inputs()) {
      run_blocks(folder);
    }
    for (const PlanRow& row : report_.plan.rows) {
      cancel_flag().check();
      write_weight(row, writer);
    }
    finish(writer);
    progress_.end();
    if (blocks_) {
      blocks_.reset();
      std::error_code ignored;
      fs::remove_all(blocks_folder_, ignored);
      lock_.reset();
    }
    add_totals(folder);
    report_.seconds = seconds_since(start);
    return std::move(report_);
  }

 private:
  const Recipe& recipe() const { return *report_.plan.recipe; }

  codec::EncodedMatrix load(const PlanRow& row) const {
    return model::load_weight(checkpoint_, config_, row.weight).take();
  }

  /// Everything that decides what the blocks become.
  std::string job_hash() const {
    Sha256 hash;
    hash.field(checkpoint_.hash()).field(recipe().hash).field(windows_.sha256);
    hash.field(NIBBLE_VERSION).field(std::to_string(kNumericsRevision));
    return hash.field(device_ ? "cuda" : kernels::kernels().name).hex();
  }

  void read_windows(const fs::path& data) {
    const auto tokenizer = model::load_tokenizer(source_).take();
    model::check_vocabulary(*tokenizer, config_, checkpoint_.path()).take();
    windows_ = make_windows(*recipe().calibration, data, *tokenizer).take();
    report_.calibration_sha256 = windows_.sha256;
  }

  void run_blocks(const fs::path& folder) {
    blocks_folder_ = folder;
    blocks_folder_ += fmt::format(".blocks.{}", job_hash().substr(0, 12));
    report_.is_resumed = fs::exists(blocks_folder_);
    lock_.emplace(blocks_folder_, "lock", "another program quantizes into this folder");
    blocks_.emplace(
        BlockJob{checkpoint_, config_, report_.plan, windows_, blocks_folder_, device_.get()},
        pool_,
        progress_);
    blocks_->run();
    report_.weights = blocks_->reports();
  }

  void write_weight(const PlanRow& row, io::CheckpointWriter& writer) {
    const auto made = blocks_ ? blocks_->find(row) : std::nullopt;
    if (row.is_kept()) {
      keep(row, made, writer);
    } else if (made) {
      writer.add_tensor(row.weight, *made).take();
      return;  // counted when it was made
    } else {
      quantize(row, writer);
    }
    progress_.advance(row.rows * row.cols);
  }

  void quantize(const PlanRow& row, io::CheckpointWriter& writer) {
    SolvedWeight solved = device_ ? solve_on_device(row) : solve_on_host(row);
    writer.add_tensor(row.weight, solved.matrix).take();
    report_.weights.push_back(std::move(solved.report));
  }

  SolvedWeight solve_on_host(const PlanRow& row) {
    const std::vector<float> weights = decode_matrix(load(row), pool_);
    const MatrixView<const float> view{weights.data(), row.rows, row.cols};
    require_finite(view, row.weight);
    return solve_weight(row, {.weight = view}, pool_);
  }

  SolvedWeight solve_on_device(const PlanRow& row) {
    const DeviceMatrix weight = upload_matrix(*device_, load(row), pool_);
    require_finite(*device_, weight, row.weight);
    return solve_weight_on(*device_, row, weight, nullptr, pool_).weight;
  }

  void add_totals(const fs::path& folder) {
    double error = 0;
    double weight = 0;
    for (const WeightReport& report : report_.weights) {
      error += report.error_square;
      weight += report.weight_square;
    }
    report_.relative_error = std::sqrt(error / (weight > 0 ? weight : 1.0));
    report_.file_bytes = fs::file_size(folder / "model.safetensors");
  }

  /// `made` is what a transform made of the weight.
  void keep(const PlanRow& row,
            const std::optional<codec::EncodedMatrix>& made,
            io::CheckpointWriter& writer) const {
    const bool is_vector =
        row.role == model::WeightRole::kNorm || row.role == model::WeightRole::kBias;
    if (!is_vector) {
      writer.add_tensor(row.weight, made ? *made : load(row)).take();
      return;
    }
    const codec::EncodedMatrix vector =
        made ? model::as_hf_weight(config_, row.weight, *made)
             : model::load_hf_weight(checkpoint_, config_, row.weight).take();
    writer.add_tensor(row.weight, vector_tensor(vector)).take();
  }

  /// What transforms and methods made of the blocks, as a folder would hold it.
  ReplacedWeights made_weights() const {
    ReplacedWeights out;
    for (const PlanRow& row : report_.plan.rows) {
      if (auto made = blocks_->find(row)) {
        out.emplace(row.weight, model::as_hf_weight(config_, row.weight, std::move(*made)));
      }
    }
    return out;
  }

  /// Keys and values are those of the weights as they came, or where transforms have rewritten the
  /// blocks, of the quantized ones.
  model::KvTableList fit_tables(const codec::KvScheme& scheme) const {
    if (!recipe().rewrites_blocks()) {
      return calibrate_kv(checkpoint_, config_, windows_, scheme, recipe().kv_weighing, pool_);
    }
    const ReplacedWeights made = made_weights();
    const auto view = replaced_view(checkpoint_, config_, made);
    return calibrate_kv(*view, config_, windows_, scheme, recipe().kv_weighing, pool_);
  }

  /// What the scheme's keys and values need, beside the weights.
  void add_kv_tables(io::CheckpointWriter& writer, Json& provenance) const {
    const codec::KvScheme& scheme = *recipe().kv;
    if (!scheme.needs_tables()) {
      return;
    }
    const auto tables = fit_tables(scheme);
    const std::string text = dump_json(model::kv_tables_json(scheme, tables));
    provenance["kv_tables_sha256"] = sha256_hex(text);
    writer.add_companion(model::kKvTablesFile, text).take();
  }

  /// How the folder came to be, but for the hash of the source.
  Json make_provenance(io::CheckpointWriter& writer) const {
    Json provenance = {{"quant_method", "nibble"},
                       {"recipe_name", recipe().name},
                       {"recipe", recipe().text},
                       {"recipe_sha256", recipe().hash},
                       {"source_sha256", std::string(kHashDigits, '0')},
                       {"nibble_version", NIBBLE_VERSION}};
    if (recipe().calibration) {
      provenance["calibration_sha256"] = windows_.sha256;
    }
    if (device_) {
      provenance["device"] = "cuda";
    }
    if (recipe().kv != nullptr) {
      provenance["kv"] = recipe().kv->name;
      add_kv_tables(writer, provenance);
    }
    return provenance;
  }

  void finish(io::CheckpointWriter& writer) const {
    for (const model::Companion& companion : model::companions_of(source_).take()) {
      writer.add_companion(companion.file_name, companion.content).take();
    }
    Json provenance = make_provenance(writer);
    if (device_) {  // the hash may still be on its way: the weights need not wait for it
      writer.set_metadata(std::string(kProvenanceKey), dump_json(provenance));
      writer.lay_out().take();
    }
    provenance["source_sha256"] = source_.hash();
    writer.set_metadata(std::string(kProvenanceKey), dump_json(provenance));
    Json config = model::config_json_of(checkpoint_, config_);
    config["quantization_config"] = provenance;  // other readers refuse what they do not know
    if (!config_.runtime.is_plain()) {
      config["quantization_config"]["runtime"] = model::runtime_json(config_.runtime);
    }
    writer.finish(config).take();
  }

  const io::Checkpoint& source_;
  RecipeModel model_;
  const io::Checkpoint& checkpoint_;  ///< with the recipe's rewrites
  const model::ModelConfig& config_;
  ThreadPool& pool_;
  ProgressSink& progress_;
  std::shared_ptr<ops::Device> device_;  ///< nullptr: the host alone
  QuantizeReport report_;
  CalibrationWindows windows_;
  fs::path blocks_folder_;
  std::optional<FolderLock> lock_;  ///< of that folder
  std::optional<BlockRun> blocks_;
};

}  // namespace

QuantizeSide choose_side(const io::Checkpoint& checkpoint,
                         const Recipe& recipe,
                         const std::string& device) {
  constexpr const char* kHost = "cpu";
  if (device == kHost) {
    return {};
  }
  const Plan plan = make_plan(recipe, checkpoint).take();
  const RecipeModel rewritten(recipe, checkpoint, nullptr);
  if (auto able = check_device_plan(plan, rewritten.config()); !able) {
    return {kHost, able.failure().message};
  }
  if (!recipe.looks_at_inputs() && std::ranges::none_of(plan.rows, &is_solved_on_device)) {
    return {kHost, "none of its methods fills its codecs on a device"};
  }
  return {device};
}

Result<QuantizeReport> quantize_checkpoint(const io::Checkpoint& checkpoint,
                                           const Recipe& recipe,
                                           const std::filesystem::path& out_folder,
                                           ThreadPool& pool,
                                           ProgressSink& progress,
                                           const QuantizePlace& place) {
  try {
    return Run(checkpoint, recipe, pool, progress, place.device)
        .write(io::without_trailing_slash(out_folder), place.data);
  } catch (const Error& error) {
    return error.failure();
  }
}

namespace {

/// What methods measured, over the weights that have it.
std::string measures_text(const QuantizeReport& report) {
  std::map<std::string, std::vector<double>> values;
  for (const WeightReport& weight : report.weights) {
    for (const Fact& fact : weight.measures) {
      values[fact.name].push_back(fact.value);
    }
  }
  std::string out;
  for (const auto& [name, all] : values) {
    out += fmt::format("{}: {:.4g} in the mean of {} weights, {:.4g} at most\n",
                       name,
                       std::reduce(all.begin(), all.end()) / static_cast<double>(all.size()),
                       all.size(),
                       *std::ranges::max_element(all));
  }
  return out;
}

}  // namespace

std::string report_text(const QuantizeReport& report) {
  const auto worst = std::ranges::max_element(
      report.weights, {}, [](const WeightReport& w) { return w.relative_error(); });
  std::string out = fmt::format("{} weights quantized in {:.1f} s, {:.2f} MiB written\n",
                                report.weights.size(),
                                report.seconds,
                                static_cast<double>(report.file_bytes) / 1048576.0);
  if (worst != report.weights.end()) {
    out += fmt::format("relative error {:.4f} over all, {:.4f} at most ({})\n",
                       report.relative_error,
                       worst->relative_error(),
                       worst->weight);
  }
  std::map<std::string, std::size_t> facts;
  for (const WeightReport& weight : report.weights) {
    for (const Fact& fact : weight.facts) {
      ++facts[fact.name];
    }
  }
  for (const auto& [name, n_weights] : facts) {
    out += fmt::format("note: {} in {} weights\n", name, n_weights);
  }
  return out + measures_text(report);
}

Json report_json(const QuantizeReport& report) {
  Json weights = Json::array();
  for (const WeightReport& weight : report.weights) {
    weights.push_back(weight_report_json(weight));
  }
  return {{"plan", plan_json(report.plan)},
          {"weights", std::move(weights)},
          {"calibration_sha256",
           report.calibration_sha256.empty() ? Json(nullptr) : Json(report.calibration_sha256)},
          {"relative_error", report.relative_error},
          {"file_bytes", report.file_bytes},
          {"seconds", report.seconds}};
}

}  // namespace nibble::quant
