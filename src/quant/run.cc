#include "quant/run.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/cancel.h"
#include "io/checkpoint_writer.h"
#include "model/architectures.h"
#include "model/companions.h"
#include "model/config.h"
#include "model/weights.h"
#include "quant/matrix.h"

namespace nibble::quant {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A vector of the decoder as Hugging Face keeps it: one dimension, and for Gemma the norm minus
/// one.
Tensor vector_tensor(const codec::EncodedMatrix& vector, bool minus_one) {
  std::vector<float> values = codec::decode_all(vector);
  if (minus_one) {
    for (float& v : values) {
      v -= 1.0F;
    }
    return Tensor::from<float>(DType::kF32, {values.size()}, values);
  }
  const Tensor* stored = vector.part("values");
  if (stored == nullptr) {
    return Tensor::from<float>(DType::kF32, {values.size()}, values);
  }
  Tensor out = Tensor::make(stored->dtype(), {values.size()});
  std::ranges::copy(stored->bytes(), out.mutable_bytes().begin());
  return out;
}

/// One run: the checkpoint read on one side, the folder written on the other.
class Run {
 public:
  Run(const io::Checkpoint& checkpoint,
      const Recipe& recipe,
      ThreadPool& pool,
      ProgressSink& progress)
      : checkpoint_(checkpoint),
        config_(model::read_config(checkpoint).take()),
        pool_(pool),
        progress_(progress) {
    report_.plan = make_plan(recipe, checkpoint).take();
  }

  QuantizeReport write(const std::filesystem::path& folder) {
    const auto start = Clock::now();
    auto writer = io::CheckpointWriter::create(folder, report_.plan.bytes_after).take();
    progress_.begin(fmt::format("quantize with {}", recipe().name), report_.plan.n_parameters);
    for (const PlanRow& row : report_.plan.rows) {
      cancel_flag().check();
      if (row.is_kept()) {
        keep(row, writer);
      } else {
        quantize(row, writer);
      }
      progress_.advance(row.rows * row.cols);
    }
    finish(writer);
    progress_.end();
    report_.relative_error = std::sqrt(error_square_ / (weight_square_ > 0 ? weight_square_ : 1.0));
    report_.file_bytes = std::filesystem::file_size(folder / "model.safetensors");
    report_.seconds = seconds_since(start);
    return std::move(report_);
  }

 private:
  const Recipe& recipe() const { return *report_.plan.recipe; }

  codec::EncodedMatrix load(const PlanRow& row) const {
    return model::load_weight(checkpoint_, config_, row.weight).take();
  }

  void quantize(const PlanRow& row, io::CheckpointWriter& writer) {
    const auto start = Clock::now();
    const codec::EncodedMatrix source = load(row);
    const std::vector<float> weights = decode_matrix(source, pool_);
    const MatrixView<const float> view{weights.data(), row.rows, row.cols};
    require_finite(view, row.weight);
    const auto encoded = row.stage->solver->solve({.weight = view}, row.codec, pool_).matrix;
    const SquaredError error = squared_error(view, encoded, pool_);
    if (!std::isfinite(error.difference)) {
      raise(ErrorCode::kUnsupported,
            "{}: the weights are too large for codec {} (the decoded values are not finite)",
            row.weight,
            row.codec->name());
    }
    writer.add_tensor(row.weight, encoded).take();
    error_square_ += error.difference;
    weight_square_ += error.weight;
    report_.weights.push_back(
        {row.weight, row.target_codec, error.relative(), seconds_since(start)});
  }

  void keep(const PlanRow& row, io::CheckpointWriter& writer) const {
    const bool is_vector =
        row.role == model::WeightRole::kNorm || row.role == model::WeightRole::kBias;
    if (!is_vector) {
      writer.add_tensor(row.weight, load(row)).take();
      return;
    }
    const auto* family = model::find_architecture(config_.architecture);
    const bool minus_one =
        family != nullptr && family->hf_norms_minus_one && row.role == model::WeightRole::kNorm;
    if (minus_one && checkpoint_.container() == io::Container::kHuggingFace) {
      writer
          .add_tensor(
              row.weight,
              vector_tensor(model::find_weight(checkpoint_, config_, row.weight).take(), false))
          .take();
    } else {
      writer.add_tensor(row.weight, vector_tensor(load(row), minus_one)).take();
    }
  }

  void finish(io::CheckpointWriter& writer) const {
    for (const model::Companion& companion : model::companions_of(checkpoint_).take()) {
      writer.add_companion(companion.file_name, companion.content).take();
    }
    const Json provenance = {{"quant_method", "nibble"},
                             {"recipe_name", recipe().name},
                             {"recipe", recipe().text},
                             {"recipe_sha256", recipe().hash},
                             {"source_sha256", checkpoint_.hash()},
                             {"nibble_version", NIBBLE_VERSION}};
    writer.set_metadata(std::string(kProvenanceKey), dump_json(provenance));
    Json config = model::config_json_of(checkpoint_, config_);
    config["quantization_config"] = provenance;  // other readers refuse what they do not know
    writer.finish(config).take();
  }

  const io::Checkpoint& checkpoint_;
  model::ModelConfig config_;
  ThreadPool& pool_;
  ProgressSink& progress_;
  QuantizeReport report_;
  double error_square_ = 0;
  double weight_square_ = 0;
};

}  // namespace

Result<QuantizeReport> quantize_checkpoint(const io::Checkpoint& checkpoint,
                                           const Recipe& recipe,
                                           const std::filesystem::path& out_folder,
                                           ThreadPool& pool,
                                           ProgressSink& progress) {
  try {
    return Run(checkpoint, recipe, pool, progress).write(out_folder);
  } catch (const Error& error) {
    return error.failure();
  }
}

std::string report_text(const QuantizeReport& report) {
  const auto worst = std::ranges::max_element(report.weights, {}, &WeightReport::relative_error);
  std::string out = fmt::format("{} weights quantized in {:.1f} s, {:.2f} MiB written\n",
                                report.weights.size(),
                                report.seconds,
                                static_cast<double>(report.file_bytes) / 1048576.0);
  if (worst != report.weights.end()) {
    out += fmt::format("relative error {:.4f} over all, {:.4f} at most ({})\n",
                       report.relative_error,
                       worst->relative_error,
                       worst->weight);
  }
  return out;
}

Json report_json(const QuantizeReport& report) {
  Json weights = Json::array();
  for (const WeightReport& weight : report.weights) {
    weights.push_back({{"weight", weight.weight},
                       {"codec", weight.codec},
                       {"relative_error", weight.relative_error},
                       {"seconds", weight.seconds}});
  }
  return {{"plan", plan_json(report.plan)},
          {"weights", std::move(weights)},
          {"relative_error", report.relative_error},
          {"file_bytes", report.file_bytes},
          {"seconds", report.seconds}};
}

}  // namespace nibble::quant
