#include "quant/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "codec/dense.h"
#include "io/checkpoint_writer.h"
#include "io/formats/packed_format.h"
#include "model/companions.h"
#include "model/config.h"
#include "model/weights.h"
#include "quant/matrix.h"
#include "quant/run.h"
#include "tensor/half.h"

namespace nibble::quant {
namespace {

namespace fs = std::filesystem;
using model::WeightInfo;
using model::WeightRole;

template <class Narrow, class Widen>
bool is_exact(std::span<const float> values, Narrow narrow, Widen widen) {
  return std::ranges::all_of(values, [&](float v) { return widen(narrow(v)) == v; });
}

template <class Narrow>
Tensor narrowed(DType dtype, std::span<const float> values, Narrow narrow) {
  Tensor out = Tensor::make(dtype, {values.size()});
  std::ranges::transform(values, out.mutable_as<std::uint16_t>().begin(), narrow);
  return out;
}

/// A plain tensor [n] of the smallest type that holds every value.
Tensor smallest_exact(std::span<const float> values) {
  if (is_exact(values, f32_to_bf16, bf16_to_f32)) {
    return narrowed(DType::kBF16, values, f32_to_bf16);
  }
  if (is_exact(values, f32_to_f16, f16_to_f32)) {
    return narrowed(DType::kF16, values, f32_to_f16);
  }
  return Tensor::from<float>(DType::kF32, {values.size()}, values);
}

/// "model.layers.0.mlp.up_proj" of its weight.
std::string module_of(std::string_view weight) {
  constexpr std::string_view kEnd = ".weight";
  return std::string(weight.ends_with(kEnd) ? weight.substr(0, weight.size() - kEnd.size())
                                            : weight);
}

bool is_plain(const codec::EncodedMatrix& matrix) {
  return matrix.parts.size() == 1 && matrix.part("values") != nullptr;
}

bool is_vector(const WeightInfo& weight) {
  return weight.role == WeightRole::kNorm || weight.role == WeightRole::kBias;
}

/// One conversion: the checkpoint read on one side, the folder written on the other.
class Conversion {
 public:
  Conversion(const io::Checkpoint& checkpoint,
             std::string_view target,
             ThreadPool& pool,
             ProgressSink& progress)
      : checkpoint_(checkpoint),
        config_(model::read_config(checkpoint).take()),
        weights_(model::list_weights(config_)),
        pool_(pool),
        progress_(progress) {
    report_.target = target;
    if (target != io::kNibbleTarget) {
      if (const std::string text = model::runtime_text(config_); !text.empty()) {
        raise(ErrorCode::kUnsupported,
              "{}: needs {} while it runs, which {} cannot say and other programs do not do",
              checkpoint.path().string(),
              text,
              target);
      }
      format_ = &io::packed_format_of_target(target);
      packer_ = format_->create(target);
    }
  }

  ConvertReport write(const fs::path& folder) {
    const auto start = std::chrono::steady_clock::now();
    auto writer = io::CheckpointWriter::create(folder).take();
    progress_.begin(fmt::format("convert to {}", report_.target), 2 * weights_.size());
    for (const WeightInfo& weight : weights_) {
      cancel_flag().check();
      write_weight(weight, writer);
      checkpoint_.release_pages();
      progress_.advance(1);
    }
    finish(writer);
    verify(folder);
    progress_.end();
    report_.file_bytes = fs::file_size(folder / "model.safetensors");
    report_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
  }

 private:
  codec::EncodedMatrix load(const io::Checkpoint& checkpoint, const WeightInfo& weight) const {
    return model::load_weight(checkpoint, config_, weight.name).take();
  }

  void write_weight(const WeightInfo& weight, io::CheckpointWriter& writer) {
    const codec::EncodedMatrix matrix = load(checkpoint_, weight);
    const bool is_linear = weight.role == WeightRole::kLinear || weight.role == WeightRole::kHead;
    if (packer_ == nullptr && !is_vector(weight) && !is_plain(matrix)) {
      writer.add_tensor(weight.name, matrix).take();
      ++report_.n_packed;
      return;
    }
    if (packer_ != nullptr && is_linear && !is_plain(matrix)) {
      add_packed(packer_->write(module_of(weight.name), matrix), writer);
      ++report_.n_packed;
      return;
    }
    if (packer_ != nullptr && is_linear) {
      packer_->skip(module_of(weight.name));
    }
    add_plain(weight, matrix, writer);
    ++report_.n_plain;
  }

  static void add_packed(const io::PackedTensors& packed, io::CheckpointWriter& writer) {
    for (const auto& [suffix, tensor] : packed.by_suffix) {
      writer.add_tensor(fmt::format("{}.{}", packed.module, suffix), tensor).take();
    }
  }

  void add_plain(const WeightInfo& weight,
                 const codec::EncodedMatrix& loaded,
                 io::CheckpointWriter& writer) {
    const codec::EncodedMatrix matrix =
        is_vector(weight) ? model::load_hf_weight(checkpoint_, config_, weight.name).take()
                          : loaded;
    const Shape shape = is_vector(weight) ? Shape{matrix.cols} : Shape{matrix.rows, matrix.cols};
    if (is_plain(matrix)) {
      writer.add_tensor(weight.name, matrix.part("values")->reshaped(shape)).take();
      return;
    }
    const Tensor values = smallest_exact(decode_matrix(matrix, pool_));
    report_.notes.push_back(fmt::format(
        "{}: from {} to plain {}", weight.name, matrix.codec->name(), dtype_name(values.dtype())));
    writer.add_tensor(weight.name, values.reshaped(shape)).take();
  }

  void finish(io::CheckpointWriter& writer) {
    bool has_tokenizer = false;
    for (const model::Companion& companion : model::companions_of(checkpoint_).take()) {
      writer.add_companion(companion.file_name, companion.content).take();
      has_tokenizer = has_tokenizer || companion.file_name == "tokenizer.json" ||
                      companion.file_name == "tokenizer.model";
    }
    if (!has_tokenizer && packer_ != nullptr) {
      report_.notes.emplace_back(
          "the tokenizer comes from a GGUF file, in nibble's form; other programs want the "
          "original's tokenizer.json beside it");
    }
    const Json origin = {{"converted_to", report_.target},
                         {"source_sha256", checkpoint_.hash()},
                         {"nibble_version", NIBBLE_VERSION}};
    writer.set_metadata("format", "pt");  // Transformers refuses files without it
    writer.set_metadata(std::string(kProvenanceKey), dump_json(origin));
    Json config = model::config_json_of(checkpoint_, config_);
    config.erase("quantization_config");
    if (packer_ == nullptr) {
      config["quantization_config"] = origin;
      config["quantization_config"]["quant_method"] = "nibble";
      if (!config_.runtime.is_plain()) {
        config["quantization_config"]["runtime"] = model::runtime_json(config_.runtime);
      }
    } else if (report_.n_packed > 0) {
      const Json settings = packer_->settings();
      config["quantization_config"] = settings;
      std::ranges::move(packer_->notes(), std::back_inserter(report_.notes));
      if (!format_->settings_file.empty()) {
        writer.add_companion(format_->settings_file, settings.dump(2) + "\n").take();
      }
    } else {
      raise(ErrorCode::kUnsupported,
            "{}: no linear layer is quantized; there is nothing to write as {}",
            checkpoint_.path().string(),
            report_.target);
    }
    writer.finish(config).take();
  }

  /// Reads the folder back. A difference is a bug, and the folder does not stay.
  void verify(const fs::path& folder) {
    const auto written = io::open_checkpoint(folder).take();
    for (const WeightInfo& weight : weights_) {
      cancel_flag().check();
      const std::vector<float> before = decode_matrix(load(checkpoint_, weight), pool_);
      const std::vector<float> after = decode_matrix(load(*written, weight), pool_);
      if (before != after) {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
        raise(ErrorCode::kInternal,
              "{}: written as {} it reads back with other values",
              weight.name,
              report_.target);
      }
      ++report_.n_verified;
      checkpoint_.release_pages();
      written->release_pages();
      progress_.advance(1);
    }
  }

  const io::Checkpoint& checkpoint_;
  model::ModelConfig config_;
  std::vector<WeightInfo> weights_;
  ThreadPool& pool_;
  ProgressSink& progress_;
  const io::PackedFormat* format_ = nullptr;  ///< nullptr for nibble's own
  std::unique_ptr<io::PackedWriter> packer_;
  ConvertReport report_;
};

}  // namespace

Result<ConvertReport> convert_checkpoint(const io::Checkpoint& checkpoint,
                                         std::string_view target,
                                         const fs::path& out_folder,
                                         ThreadPool& pool,
                                         ProgressSink& progress) {
  try {
    return Conversion(checkpoint, target, pool, progress)
        .write(io::without_trailing_slash(out_folder));
  } catch (const Error& error) {
    return error.failure();
  }
}

std::string convert_text(const ConvertReport& report) {
  std::string out = fmt::format(
      "{} weights as {}, {} plain, {:.2f} MiB in {:.1f} s\n"
      "read back: all {} weights equal to the source\n",
      report.n_packed,
      report.target,
      report.n_plain,
      static_cast<double>(report.file_bytes) / 1048576.0,
      report.seconds,
      report.n_verified);
  for (const std::string& note : report.notes) {
    out += fmt::format("note: {}\n", note);
  }
  return out;
}

Json convert_json(const ConvertReport& report) {
  return {{"target", report.target},
          {"n_packed", report.n_packed},
          {"n_plain", report.n_plain},
          {"n_verified", report.n_verified},
          {"file_bytes", report.file_bytes},
          {"seconds", report.seconds},
          {"notes", report.notes}};
}

}  // namespace nibble::quant
