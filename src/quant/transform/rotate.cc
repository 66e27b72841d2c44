#include "quant/transform/rotate.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "codec/dense.h"
#include "kernels/reference/hadamard.h"
#include "model/layers/attention_block.h"
#include "model/weights.h"
#include "quant/checkpoint_view.h"
#include "quant/matrix.h"
#include "quant/solve/parallel_for.h"

namespace nibble::quant {
namespace {

using kernels::Hadamard;
using kernels::reference::hadamard;

constexpr std::size_t kRowsPerTask = 8;

/// A weight in float64 while it is rotated.
class Wide {
 public:
  Wide(std::span<const float> values, std::size_t rows, std::size_t cols, ThreadPool& pool)
      : values_(values.begin(), values.end()), rows_(rows), cols_(cols), pool_(pool) {}

  void scale_cols(std::span<const float> factors) {
    parallel_for(pool_, rows_, kRowsPerTask, [&](std::size_t r) {
      for (std::size_t c = 0; c < cols_; ++c) {
        values_[r * cols_ + c] *= static_cast<double>(factors[c]);
      }
    });
  }
  /// Runs of h.n columns.
  void transform_cols(const Hadamard& h) {
    parallel_for(pool_, rows_, kRowsPerTask, [&](std::size_t r) {
      for (std::size_t c = 0; c < cols_; c += h.n) {
        hadamard(h, &values_[r * cols_ + c]);
      }
    });
  }
  void scale_rows(std::span<const float> factors) {
    for (std::size_t r = 0; r < rows_; ++r) {
      for (std::size_t c = 0; c < cols_; ++c) {
        values_[r * cols_ + c] *= static_cast<double>(factors[r]);
      }
    }
  }
  /// Runs of h.n rows.
  void transform_rows(const Hadamard& h) {
    parallel_for(pool_, cols_, kRowsPerTask, [&](std::size_t c) {
      std::vector<double> column(h.n);
      for (std::size_t first = 0; first < rows_; first += h.n) {
        for (std::size_t i = 0; i < h.n; ++i) {
          column[i] = values_[(first + i) * cols_ + c];
        }
        hadamard(h, column.data());
        for (std::size_t i = 0; i < h.n; ++i) {
          values_[(first + i) * cols_ + c] = column[i];
        }
      }
    });
  }
  [[nodiscard]] std::vector<float> narrowed() const { return {values_.begin(), values_.end()}; }

 private:
  std::vector<double> values_;
  std::size_t rows_, cols_;
  ThreadPool& pool_;
};

class RotatedCheckpoint final : public CheckpointView {
 public:
  RotatedCheckpoint(const io::Checkpoint& source,
                    const model::ModelConfig& config,
                    const RotateSettings& settings,
                    ThreadPool* pool)
      : CheckpointView(source, config),
        settings_(settings),
        pool_(pool),
        residual_(kernels::hadamard_for(config.hidden)),
        attended_(model::attended_rotation(config)),
        values_(kernels::hadamard_for(settings.attended ? attended_.run : config.head_dim)),
        gated_(kernels::hadamard_for(config.intermediate)),
        signs_(random_signs(config.hidden, settings.seed)) {
    model::ModelConfig rotated = config;
    rotated.tied_embeddings = config.tied_embeddings && !settings.residual;
    weights_ = model::list_weights(rotated);
    rotated.runtime.rotates_heads = config.runtime.rotates_heads || settings.heads;
    rotated.runtime.rotates_attended = config.runtime.rotates_attended || settings.attended;
    rotated.runtime.rotates_gated = config.runtime.rotates_gated || settings.gated;
    metadata_["tie_word_embeddings"] = rotated.tied_embeddings;
    metadata_["quantization_config"] = {{"quant_method", "nibble"},
                                        {"runtime", model::runtime_json(rotated.runtime)}};
    if (metadata_["quantization_config"]["runtime"].is_null()) {
      metadata_["quantization_config"].erase("runtime");
    }
  }

  std::string hash() const override {
    const RotateSettings& s = settings_;
    Sha256 hash;
    hash.field(source_.hash());
    hash.field(
        fmt::format("rotate {} {} {} {} {}", s.residual, s.values, s.heads, s.gated, s.seed));
    if (s.attended) {
      hash.field("attended");
    }
    return hash.hex();
  }

 private:
  [[nodiscard]] codec::EncodedMatrix load(std::string_view name) const {
    return model::load_weight(source_, config_, name).take();
  }
  [[nodiscard]] std::vector<float> values_of(std::string_view name) const {
    return decode_matrix(load(name), *pool_);
  }

  [[nodiscard]] codec::EncodedMatrix make(const model::WeightInfo& info) const override {
    if (pool_ == nullptr) {
      return codec::dense_matrix(Tensor::make(DType::kF32, {info.rows, info.cols}));
    }
    if (info.role == model::WeightRole::kNorm) {
      return norm(info);
    }
    const bool is_tied_head = info.role == model::WeightRole::kHead && config_.tied_embeddings;
    const std::string name = is_tied_head ? "model.embed_tokens.weight" : info.name;
    if (info.role == model::WeightRole::kBias && !info.name.ends_with("v_proj.bias")) {
      return load(name);
    }
    const std::vector<float> values = values_of(name);
    require_finite({values.data(), info.rows, info.cols}, name);
    Wide wide(values, info.rows, info.cols, *pool_);
    rotate(info, wide);
    return codec::dense_matrix(
        Tensor::from<float>(DType::kF32, {info.rows, info.cols}, wide.narrowed()));
  }

  /// Norms over the residual stream are folded; those of heads stay.
  [[nodiscard]] codec::EncodedMatrix norm(const model::WeightInfo& info) const {
    if (!settings_.residual || info.name.ends_with("q_norm.weight") ||
        info.name.ends_with("k_norm.weight")) {
      return load(info.name);
    }
    return codec::dense_matrix(Tensor::from<float>(
        DType::kF32, {info.rows, info.cols}, std::vector<float>(info.cols, 1.0F)));
  }

  void rotate(const model::WeightInfo& info, Wide& wide) const {
    const std::string_view name = info.name;
    const bool is_output = name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
    if (settings_.residual && info.role != model::WeightRole::kBias && !is_output) {
      if (const std::string before = norm_before(info); !before.empty()) {
        wide.scale_cols(values_of(before));
      }
      wide.scale_cols(signs_);
      wide.transform_cols(residual_);
    }
    if (settings_.values && name.ends_with("v_proj.weight")) {
      wide.transform_rows(values_);
    }
    if (settings_.values && (name.ends_with("o_proj.weight") || name.ends_with("v_proj.bias"))) {
      wide.transform_cols(values_);
    }
    if (settings_.attended && name.ends_with("o_proj.weight")) {
      wide.transform_cols(attended_);
    }
    if (settings_.gated && name.ends_with("down_proj.weight")) {
      wide.transform_cols(gated_);
    }
    if (settings_.residual && is_output) {
      wide.scale_rows(signs_);
      wide.transform_rows(residual_);
    }
  }

  /// The norm that makes a layer's inputs; "" for the embedding.
  [[nodiscard]] static std::string norm_before(const model::WeightInfo& info) {
    if (info.role == model::WeightRole::kEmbedding) {
      return "";
    }
    if (info.role == model::WeightRole::kHead) {
      return "model.norm.weight";
    }
    const bool is_attention = info.name.find(".self_attn.") != std::string::npos;
    return fmt::format("model.layers.{}.{}.weight",
                       info.layer,
                       is_attention ? "input_layernorm" : "post_attention_layernorm");
  }

  RotateSettings settings_;
  ThreadPool* pool_;
  Hadamard residual_, attended_, values_, gated_;
  std::vector<float> signs_;
};

class Rotate final : public Transform {
 public:
  explicit Rotate(const RotateSettings& settings) : settings_(settings) {}

  std::vector<std::pair<std::string, std::string>> settings() const override {
    const auto flag = [](bool on) { return std::string(on ? "true" : "false"); };
    return {{"residual", flag(settings_.residual)},
            {"values", flag(settings_.values)},
            {"heads", flag(settings_.heads)},
            {"attended", flag(settings_.attended)},
            {"gated", flag(settings_.gated)},
            {"seed", fmt::format("{}", settings_.seed)}};
  }
  Result<void> check(const codec::Codec& /*codec*/) const override { return {}; }
  bool looks_at_inputs() const override { return false; }
  std::unique_ptr<io::Checkpoint> rewrite(const io::Checkpoint& source,
                                          const model::ModelConfig& config,
                                          ThreadPool* pool) const override {
    return rotated(source, config, settings_, pool);
  }

 private:
  RotateSettings settings_;
};

}  // namespace

std::vector<float> random_signs(std::size_t n, std::uint64_t seed) {
  std::vector<float> out(n);
  std::uint64_t state = seed;
  for (float& sign : out) {
    // splitmix64: equal everywhere, unlike the distributions of the standard library.
    state += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    sign = ((z ^ (z >> 31U)) & 1U) != 0 ? 1.0F : -1.0F;
  }
  return out;
}

std::unique_ptr<io::Checkpoint> rotated(const io::Checkpoint& source,
                                        const model::ModelConfig& config,
                                        const RotateSettings& settings,
                                        ThreadPool* pool) {
  if (config.sandwich_norms) {
    raise(ErrorCode::kUnsupported,
          "{}: transform 'rotate': norms behind attention and MLP do not commute with a rotation",
          source.path().string());
  }
  if (config.runtime.rotates()) {
    raise(ErrorCode::kUnsupported,
          "{}: transform 'rotate': the weights are rotated already",
          source.path().string());
  }
  return std::make_unique<RotatedCheckpoint>(source, config, settings, pool);
}

std::unique_ptr<Transform> make_rotate(TomlTable& stage) {
  RotateSettings settings;
  settings.residual = stage.optional<bool>("residual").value_or(settings.residual);
  settings.values = stage.optional<bool>("values").value_or(settings.values);
  settings.heads = stage.optional<bool>("heads").value_or(settings.heads);
  settings.attended = stage.optional<bool>("attended").value_or(settings.attended);
  settings.gated = stage.optional<bool>("gated").value_or(settings.gated);
  const auto seed = stage.optional<std::int64_t>("seed").value_or(0);
  if (seed < 0) {
    stage.reject("seed", "must not be negative");
  }
  settings.seed = static_cast<std::uint64_t>(seed);
  return std::make_unique<Rotate>(settings);
}

}  // namespace nibble::quant
