#include "model/weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/dense.h"
#include "model/architectures.h"
#include "model/weights/row_order.h"
#include "model/weights/weight_names.h"

namespace nibble::model {
namespace {

class WeightList {
 public:
  void enter_layer(int layer) { layer_ = layer; }
  void add(std::string_view stem, WeightRole role, std::size_t rows, std::size_t cols) {
    const std::string_view kind = role == WeightRole::kBias ? "bias" : "weight";
    weights_.push_back({layer_ < 0 ? fmt::format("{}.{}", stem, kind)
                                   : fmt::format("model.layers.{}.{}.{}", layer_, stem, kind),
                        role,
                        rows,
                        cols,
                        layer_});
  }
  void add_norm(std::string_view stem, std::size_t size) { add(stem, WeightRole::kNorm, 1, size); }
  std::vector<WeightInfo> take() { return std::move(weights_); }

 private:
  int layer_ = -1;
  std::vector<WeightInfo> weights_;
};

void list_attention(const ModelConfig& config, WeightList& list) {
  const std::size_t q_rows = config.n_heads * config.head_dim;
  const std::size_t kv_rows = config.n_kv_heads * config.head_dim;
  const auto add_projection = [&](std::string_view stem, std::size_t rows) {
    list.add(stem, WeightRole::kLinear, rows, config.hidden);
    if (config.qkv_bias) {
      list.add(stem, WeightRole::kBias, 1, rows);
    }
  };
  list.add_norm("input_layernorm", config.hidden);
  add_projection("self_attn.q_proj", q_rows);
  add_projection("self_attn.k_proj", kv_rows);
  add_projection("self_attn.v_proj", kv_rows);
  if (config.qk_norm) {
    list.add_norm("self_attn.q_norm", config.head_dim);
    list.add_norm("self_attn.k_norm", config.head_dim);
  }
  list.add("self_attn.o_proj", WeightRole::kLinear, config.hidden, q_rows);
  list.add_norm("post_attention_layernorm", config.hidden);
}

void list_mlp(const ModelConfig& config, WeightList& list) {
  if (config.sandwich_norms) {
    list.add_norm("pre_feedforward_layernorm", config.hidden);
  }
  list.add("mlp.gate_proj", WeightRole::kLinear, config.intermediate, config.hidden);
  list.add("mlp.up_proj", WeightRole::kLinear, config.intermediate, config.hidden);
  list.add("mlp.down_proj", WeightRole::kLinear, config.hidden, config.intermediate);
  if (config.sandwich_norms) {
    list.add_norm("post_feedforward_layernorm", config.hidden);
  }
}

/// What the container calls the weight: the first spelling that it has, or its usual one.
std::string stored_name(const io::Checkpoint& checkpoint,
                        const ModelConfig& config,
                        std::string_view canonical_name) {
  if (checkpoint.container() == io::Container::kGguf) {
    return gguf_name(config, canonical_name).value_or(std::string(canonical_name));
  }
  const std::vector<std::string> names = hf_names(canonical_name);
  const auto found =
      std::ranges::find_if(names, [&](const std::string& name) { return checkpoint.has(name); });
  return found == names.end() ? names.front() : *found;
}

Failure with_names(const Failure& why, std::string_view canonical_name, std::string_view stored) {
  return stored == canonical_name
             ? why
             : why.within(fmt::format("{} (stored as {})", canonical_name, stored));
}

/// All norms: "…layernorm.weight", "…q_norm.weight", "model.norm.weight".
bool is_norm(std::string_view canonical_name) {
  return canonical_name.ends_with("norm.weight");
}

const Architecture& family_of(const ModelConfig& config) {
  const Architecture* family = find_architecture(config.architecture);
  NIBBLE_CHECK(family != nullptr, "a configuration of an unknown architecture");
  return *family;
}

codec::EncodedMatrix plus(float offset, const codec::EncodedMatrix& norm) {
  std::vector<float> values = codec::decode_all(norm);
  std::ranges::transform(values, values.begin(), [offset](float w) { return offset + w; });
  return codec::dense_matrix(Tensor::from<float>(DType::kF32, {norm.rows, norm.cols}, values));
}

/// Where a GGUF file has each row of the weight; empty where rows stand as they are.
std::vector<std::size_t> gguf_rows(const ModelConfig& config, std::string_view canonical_name) {
  const bool is_q = canonical_name.ends_with("q_proj.weight");
  const bool is_k = canonical_name.ends_with("k_proj.weight");
  if (!family_of(config).gguf_permutes_qk || !(is_q || is_k)) {
    return {};
  }
  return interleaved_rows(is_q ? config.n_heads : config.n_kv_heads, config.head_dim);
}

Result<codec::EncodedMatrix> reorder(std::string_view canonical_name,
                                     const codec::EncodedMatrix& matrix,
                                     const std::vector<std::size_t>& rows) {
  if (rows.size() != matrix.rows) {
    return fail(ErrorCode::kShapeMismatch,
                "{}: expected {} rows, found {}",
                canonical_name,
                rows.size(),
                matrix.rows);
  }
  auto ordered = gather_encoded_rows(matrix, rows);
  return ordered ? std::move(ordered) : ordered.failure().within(canonical_name);
}

}  // namespace

std::vector<WeightInfo> list_weights(const ModelConfig& config) {
  WeightList list;
  list.add("model.embed_tokens", WeightRole::kEmbedding, config.vocab, config.hidden);
  for (std::size_t layer = 0; layer < config.n_layers; ++layer) {
    list.enter_layer(static_cast<int>(layer));
    list_attention(config, list);
    list_mlp(config, list);
  }
  list.enter_layer(-1);
  list.add_norm("model.norm", config.hidden);
  if (!config.tied_embeddings) {
    list.add("lm_head", WeightRole::kHead, config.vocab, config.hidden);
  }
  return list.take();
}

Result<codec::EncodedMatrix> find_weight(const io::Checkpoint& checkpoint,
                                         const ModelConfig& config,
                                         std::string_view canonical_name) {
  const std::string stored = stored_name(checkpoint, config, canonical_name);
  auto tensor = checkpoint.tensor(stored);
  if (!tensor) {
    return with_names(tensor.failure(), canonical_name, stored);
  }
  return std::move(tensor->matrix);
}

Result<codec::EncodedMatrix> load_weight(const io::Checkpoint& checkpoint,
                                         const ModelConfig& config,
                                         std::string_view canonical_name) {
  auto found = find_weight(checkpoint, config, canonical_name);
  if (!found) {
    return found;
  }
  const bool is_gguf = checkpoint.container() == io::Container::kGguf;
  if (is_gguf) {
    const auto rows = gguf_rows(config, canonical_name);
    return rows.empty() ? found : reorder(canonical_name, *found, rows);
  }
  if (family_of(config).hf_norms_minus_one && is_norm(canonical_name)) {
    return plus(1.0F, *found);
  }
  return found;
}

codec::EncodedMatrix as_hf_weight(const ModelConfig& config,
                                  std::string_view canonical_name,
                                  codec::EncodedMatrix matrix) {
  const bool minus_one = family_of(config).hf_norms_minus_one && is_norm(canonical_name);
  return minus_one ? plus(-1.0F, matrix) : std::move(matrix);
}

Result<codec::EncodedMatrix> load_hf_weight(const io::Checkpoint& checkpoint,
                                            const ModelConfig& config,
                                            std::string_view canonical_name) {
  if (checkpoint.container() == io::Container::kHuggingFace) {
    return find_weight(checkpoint, config, canonical_name);
  }
  auto loaded = load_weight(checkpoint, config, canonical_name);
  return loaded ? as_hf_weight(config, canonical_name, std::move(*loaded)) : loaded;
}

Result<codec::EncodedMatrix> as_gguf_weight(const ModelConfig& config,
                                            std::string_view canonical_name,
                                            codec::EncodedMatrix matrix) {
  const auto stored_at = gguf_rows(config, canonical_name);
  if (stored_at.empty()) {
    return matrix;
  }
  std::vector<std::size_t> source(stored_at.size());
  for (std::size_t row = 0; row < stored_at.size(); ++row) {
    source[stored_at[row]] = row;
  }
  return reorder(canonical_name, matrix, source);
}

}  // namespace nibble::model
