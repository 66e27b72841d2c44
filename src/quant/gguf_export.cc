#include "quant/gguf_export.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "codec/block_codec.h"
#include "codec/dense.h"
#include "io/gguf/exact_blocks.h"
#include "io/gguf/writer.h"
#include "model/config.h"
#include "model/config/hf_config.h"
#include "model/gguf/metadata.h"
#include "model/weights.h"
#include "model/weights/weight_names.h"
#include "quant/matrix.h"

namespace nibble::quant {
namespace {

namespace fs = std::filesystem;
using model::WeightInfo;
using model::WeightRole;

/// general.file_type: llama.cpp's number for a file that is mostly of this type.
std::optional<std::uint32_t> file_type(std::string_view codec) {
  constexpr std::array<std::pair<std::string_view, std::uint32_t>, 15> kNumbers = {{{"f32", 0},
                                                                                    {"f16", 1},
                                                                                    {"q4_0", 2},
                                                                                    {"q4_1", 3},
                                                                                    {"q8_0", 7},
                                                                                    {"q5_0", 8},
                                                                                    {"q5_1", 9},
                                                                                    {"q2_k", 10},
                                                                                    {"q3_k", 12},
                                                                                    {"q4_k", 15},
                                                                                    {"q5_k", 17},
                                                                                    {"q6_k", 18},
                                                                                    {"iq4_nl", 25},
                                                                                    {"iq4_xs", 30},
                                                                                    {"bf16", 32}}};
  const auto found =
      std::ranges::find(kNumbers, codec, &std::pair<std::string_view, std::uint32_t>::first);
  return found == kNumbers.end() ? std::nullopt : std::optional(found->second);
}

bool is_vector(const WeightInfo& weight) {
  return weight.role == WeightRole::kNorm || weight.role == WeightRole::kBias;
}

bool is_blocks(const codec::Codec& codec) {
  return dynamic_cast<const codec::BlockCodec*>(&codec) != nullptr;
}

bool is_plain(const codec::EncodedMatrix& matrix) {
  return matrix.parts.size() == 1 && matrix.part("values") != nullptr;
}

/// What two configurations must agree in; Llama 3's rotation becomes a tensor of factors.
Json comparable(const model::ModelConfig& config) {
  Json out = model::write_hf_config(config);
  if (config.rope_scaling.kind == ops::RopeScaling::Kind::kLlama3 ||
      config.rope_scaling.kind == ops::RopeScaling::Kind::kFactors) {
    out["rope_scaling"] = "factors";
  }
  return out;
}

class Export {
 public:
  Export(const io::Checkpoint& checkpoint, ThreadPool& pool, ProgressSink& progress)
      : checkpoint_(checkpoint),
        config_(model::read_config(checkpoint).take()),
        weights_(model::list_weights(config_)),
        pool_(pool),
        progress_(progress) {
    report_.target = kGgufTarget;
    if (const std::string text = model::runtime_text(config_); !text.empty()) {
      raise(ErrorCode::kUnsupported,
            "{}: needs {} while it runs, which GGUF cannot say and other programs do not do",
            checkpoint.path().string(),
            text);
    }
  }

  ConvertReport write(const fs::path& file) {
    const auto start = std::chrono::steady_clock::now();
    if (fs::exists(file)) {
      raise(ErrorCode::kInvalidArgument, "{}: exists already; name a new file", file.string());
    }
    progress_.begin("write GGUF", 2 * weights_.size());
    auto writer = io::GgufWriter::create(file).take();
    for (const WeightInfo& weight : weights_) {
      cancel_flag().check();
      add(weight, writer);
      checkpoint_.release_pages();
      progress_.advance(1);
    }
    add_rope_factors(writer);
    set_metadata(writer);
    writer.finish().take();
    verify(file);
    progress_.end();
    report_.file_bytes = fs::file_size(file);
    report_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
  }

 private:
  codec::EncodedMatrix load(const io::Checkpoint& checkpoint, const WeightInfo& weight) const {
    return model::load_weight(checkpoint, config_, weight.name).take();
  }

  void add(const WeightInfo& weight, io::GgufWriter& writer) {
    const auto name = model::gguf_name(config_, weight.name);
    if (!name) {
      raise(ErrorCode::kUnsupported, "{}: GGUF has no name for it", weight.name);
    }
    codec::EncodedMatrix matrix = load(checkpoint_, weight);
    if (is_vector(weight)) {
      const std::vector<float> values = decode_matrix(matrix, pool_);
      writer
          .add_tensor(
              {*name,
               {values.size()},
               codec::dense_matrix(Tensor::from<float>(DType::kF32, {1, values.size()}, values))})
          .take();
      ++report_.n_plain;
      return;
    }
    if (!is_plain(matrix) && !is_blocks(*matrix.codec)) {
      matrix = io::exact_gguf_blocks(weight.name, matrix);
    }
    ++(is_plain(matrix) ? report_.n_plain : report_.n_packed);
    n_of_codec_[matrix.codec->name()] += matrix.rows * matrix.cols;
    matrix = model::as_gguf_weight(config_, weight.name, std::move(matrix)).take();
    writer.add_tensor({*name, {matrix.rows, matrix.cols}, matrix}).take();
  }

  void add_rope_factors(io::GgufWriter& writer) const {
    if (const auto factors = model::gguf_rope_factors(config_)) {
      writer
          .add_tensor({"rope_freqs.weight",
                       {factors->size()},
                       codec::dense_matrix(
                           Tensor::from<float>(DType::kF32, {1, factors->size()}, *factors))})
          .take();
    }
  }

  void set_metadata(io::GgufWriter& writer) {
    for (const auto& [key, value] : model::gguf_config_pairs(config_)) {
      writer.set(key, value).take();
    }
    const auto most =
        std::ranges::max_element(n_of_codec_, {}, [](const auto& entry) { return entry.second; });
    if (const auto number = most == n_of_codec_.end() ? std::nullopt : file_type(most->first)) {
      writer.set("general.file_type", *number).take();
    }
    if (report_.n_packed > 0) {
      writer.set("general.quantization_version", std::uint32_t{2}).take();
    }
    writer.set("nibble.source_sha256", checkpoint_.hash()).take();
    writer.set("nibble.version", std::string(NIBBLE_VERSION)).take();
    const auto tokenizer = model::gguf_tokenizer_pairs(checkpoint_, config_).take();
    if (tokenizer.empty()) {
      report_.notes.emplace_back("the source has no tokenizer, so the file has none");
    }
    for (const auto& [key, value] : tokenizer) {
      writer.set(key, value).take();
    }
  }

  /// Reads the file back. A difference is a bug or something that GGUF cannot say; the file does
  /// not stay.
  void verify(const fs::path& file) {
    const auto written = io::open_checkpoint(file).take();
    const auto refuse = [&](ErrorCode code, std::string_view what) {
      std::error_code ignored;
      fs::remove(file, ignored);
      raise(code, "{}: {}", checkpoint_.path().string(), what);
    };
    if (comparable(model::read_config(*written).take()) != comparable(config_)) {
      refuse(ErrorCode::kUnsupported, "its configuration has something that GGUF cannot say");
    }
    for (const WeightInfo& weight : weights_) {
      cancel_flag().check();
      if (decode_matrix(load(checkpoint_, weight), pool_) !=
          decode_matrix(load(*written, weight), pool_)) {
        refuse(ErrorCode::kInternal, weight.name + ": reads back with other values");
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
  std::map<std::string, std::size_t> n_of_codec_;  ///< weights of matrices
  ConvertReport report_;
};

}  // namespace

Result<ConvertReport> export_gguf(const io::Checkpoint& checkpoint,
                                  const fs::path& file,
                                  ThreadPool& pool,
                                  ProgressSink& progress) {
  try {
    return Export(checkpoint, pool, progress).write(file);
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::quant
