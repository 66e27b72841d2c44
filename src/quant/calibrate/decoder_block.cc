#include "quant/calibrate/decoder_block.h"

#include <algorithm>

#include "base/check.h"
#include "codec/dense.h"
#include "model/kv_cache.h"
#include "model/layers/attention_block.h"
#include "model/layers/packed_batch.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/hadamard.h"
#include "ops/rope.h"
#include "quant/matrix.h"

namespace nibble::quant {
namespace {

constexpr std::string_view kPrefix = "model.layers.";

constexpr std::array<std::string_view, 3> kAttentionIn = {
    "self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"};
constexpr std::array<std::string_view, 1> kAttentionOut = {"self_attn.o_proj.weight"};
constexpr std::array<std::string_view, 2> kMlpIn = {"mlp.gate_proj.weight", "mlp.up_proj.weight"};
constexpr std::array<std::string_view, 1> kMlpOut = {"mlp.down_proj.weight"};

enum Slot : std::size_t { kNormed, kBranch, kQueries, kKeys, kValues, kUp };

/// The configuration of a model whose only layer is this one.
model::ModelConfig single_layer(model::ModelConfig config, std::size_t layer) {
  if (layer < config.sliding_layers.size()) {
    config.sliding_layers = {config.sliding_layers[layer]};
  }
  config.n_layers = 1;
  return config;
}

/// Keys and values of windows that start at position 0, laid out for attention.
class WindowBatch {
 public:
  WindowBatch(const model::ModelConfig& config, std::size_t n_windows, std::size_t window)
      : cache_(config, DType::kF32, max_bytes(config, n_windows, window)),
        tokens_(window),
        batch_(chunks(n_windows), cache_) {
    for (const model::SequenceChunk& chunk : chunks_) {
      cache_.extend(chunk.sequence, window);
    }
    batch_.enter_layer(cache_, 0);
  }

  const model::PackedBatch& batch() const noexcept { return batch_; }

 private:
  static std::size_t max_bytes(const model::ModelConfig& config,
                               std::size_t n_windows,
                               std::size_t window) {
    return n_windows * (window + model::kPageTokens) *
           model::KvCache::bytes_per_token(config, DType::kF32);
  }
  std::span<const model::SequenceChunk> chunks(std::size_t n_windows) {
    for (std::size_t i = 0; i < n_windows; ++i) {
      chunks_.push_back({cache_.create(), tokens_});
    }
    return chunks_;
  }

  model::KvCache cache_;
  std::vector<std::int32_t> tokens_;  ///< only their number counts
  std::vector<model::SequenceChunk> chunks_;
  model::PackedBatch batch_;
};

}  // namespace

std::span<const std::string_view> linears_at(Site site) noexcept {
  switch (site) {
    case Site::kAttentionIn:
      return kAttentionIn;
    case Site::kAttentionOut:
      return kAttentionOut;
    case Site::kMlpIn:
      return kMlpIn;
    case Site::kMlpOut:
      return kMlpOut;
  }
  return {};
}

DecoderBlock::DecoderBlock(const model::ModelConfig& config, std::size_t layer, ThreadPool& pool)
    : config_(single_layer(config, layer)), pool_(pool) {
  for (const model::WeightInfo& info : model::list_weights(config)) {
    if (info.layer == static_cast<int>(layer)) {
      list_.push_back(info);
      weights_[std::string(short_name(info.name))].info = info;
    }
  }
}

DecoderBlock DecoderBlock::load(const io::Checkpoint& checkpoint,
                                const model::ModelConfig& config,
                                std::size_t layer,
                                ThreadPool& pool) {
  DecoderBlock block(config, layer, pool);
  for (const model::WeightInfo& info : block.list_) {
    const auto matrix = model::load_weight(checkpoint, config, info.name).take();
    std::vector<float> values = decode_matrix(matrix, pool);
    require_finite({values.data(), matrix.rows, matrix.cols}, info.name);
    block.set_weight(short_name(info.name), std::move(values));
  }
  return block;
}

std::string_view DecoderBlock::short_name(std::string_view canonical) noexcept {
  const std::size_t end = canonical.find('.', kPrefix.size());
  return canonical.starts_with(kPrefix) && end != std::string_view::npos ? canonical.substr(end + 1)
                                                                         : canonical;
}

DecoderBlock::Weight& DecoderBlock::at(std::string_view name) {
  const auto found = weights_.find(name);
  NIBBLE_CHECK(found != weights_.end(), "a weight that the block does not have");
  return found->second;
}

const DecoderBlock::Weight& DecoderBlock::at(std::string_view name) const {
  const auto found = weights_.find(name);
  NIBBLE_CHECK(found != weights_.end(), "a weight that the block does not have");
  return found->second;
}

MatrixView<const float> DecoderBlock::weight(std::string_view name) const {
  const Weight& weight = at(name);
  return {weight.values.data(), weight.info.rows, weight.info.cols};
}

void DecoderBlock::set_weight(std::string_view name, std::vector<float> values) {
  Weight& weight = at(name);
  if (values.size() != weight.info.rows * weight.info.cols) {
    raise(ErrorCode::kShapeMismatch,
          "{}: expected {} x {} weights, found {}",
          weight.info.name,
          weight.info.rows,
          weight.info.cols,
          values.size());
  }
  weight.values = std::move(values);
  weight.packed.reset();
  if (weight.info.role == model::WeightRole::kBias) {
    at(std::string(name.substr(0, name.rfind('.'))) + ".weight").packed.reset();  // holds a copy
  }
}

std::size_t DecoderBlock::inner_cols() const noexcept {
  return std::max(cols_at(Site::kAttentionOut), cols_at(Site::kMlpOut));
}

std::size_t DecoderBlock::cols_at(Site site) const noexcept {
  return cols_at_site(config_, site);
}

std::size_t cols_at_site(const model::ModelConfig& config, Site site) noexcept {
  switch (site) {
    case Site::kAttentionOut:
      return config.n_heads * config.head_dim;
    case Site::kMlpOut:
      return config.intermediate;
    default:
      return config.hidden;
  }
}

std::string_view DecoderBlock::norm_before(Site site) const noexcept {
  if (site == Site::kAttentionIn || site == Site::kAttentionOut) {
    return "input_layernorm.weight";
  }
  return config_.sandwich_norms ? "pre_feedforward_layernorm.weight"
                                : "post_attention_layernorm.weight";
}

MatrixView<float> DecoderBlock::scratch(std::size_t slot, std::size_t rows, std::size_t cols) {
  scratch_[slot].resize(std::max(scratch_[slot].size(), rows * cols));
  return {scratch_[slot].data(), rows, cols};
}

void DecoderBlock::apply(std::string_view linear,
                         MatrixView<const float> x,
                         MatrixView<float> out) {
  Weight& weight = at(linear);
  if (!weight.packed) {
    const std::string bias_name =
        std::string(linear.substr(0, linear.size() - std::string_view("weight").size())) + "bias";
    const auto bias = weights_.find(bias_name);
    weight.packed =
        ops::Linear::make(codec::dense_matrix(Tensor::from<float>(
                              DType::kF32, {weight.info.rows, weight.info.cols}, weight.values)),
                          bias == weights_.end() ? std::vector<float>{} : bias->second.values,
                          Arithmetic::kF32,
                          pool_);
  }
  weight.packed->apply(x, out, pool_);
}

void DecoderBlock::normalize_heads(std::string_view norm, MatrixView<float> x) {
  if (has(norm)) {
    const std::size_t dim = config_.head_dim;
    const MatrixView<float> heads(x.data, x.rows * x.cols / dim, dim);
    ops::rms_norm(heads, vector(norm), config_.norm_epsilon, heads, pool_);
  }
}

void DecoderBlock::attend(MatrixView<const float> x, std::size_t window, MatrixView<float> out) {
  const auto q = scratch(kQueries, x.rows, config_.n_heads * config_.head_dim);
  const auto k = scratch(kKeys, x.rows, config_.n_kv_heads * config_.head_dim);
  const auto v = scratch(kValues, x.rows, k.cols);
  apply(kAttentionIn[0], x, q);
  project_kv(x, k, v);
  normalize_heads("self_attn.q_norm.weight", q);
  const WindowBatch windows(config_, x.rows / window, window);
  const auto frequencies = model::rope_frequencies(config_, 0);
  const auto positions = windows.batch().positions();
  auto shape = model::attention_shape(config_, 0);
  shape.kv_dtype = DType::kF32;
  ops::rope_in_place(q, config_.head_dim, frequencies, positions, pool_);
  ops::rope_in_place(k, config_.head_dim, frequencies, positions, pool_);
  if (config_.runtime.rotates_heads) {
    const ops::Hadamard rotation = ops::hadamard_for(config_.head_dim);
    ops::hadamard_in_place(rotation, q, pool_);
    ops::hadamard_in_place(rotation, k, pool_);
  }
  ops::store_kv(shape, k, v, windows.batch().sequences(), pool_);
  ops::attention(shape, q, windows.batch().sequences(), out, pool_);
  if (config_.runtime.rotates_attended) {
    ops::hadamard_in_place(model::attended_rotation(config_), out, pool_);
  }
}

void DecoderBlock::project_kv(MatrixView<const float> x, MatrixView<float> k, MatrixView<float> v) {
  apply(kAttentionIn[1], x, k);
  apply(kAttentionIn[2], x, v);
  normalize_heads("self_attn.k_norm.weight", k);
}

void DecoderBlock::gate(MatrixView<const float> x, MatrixView<float> out) {
  const auto up = scratch(kUp, x.rows, config_.intermediate);
  apply(kMlpIn[0], x, out);
  apply(kMlpIn[1], x, up);
  ops::gate_in_place(config_.activation, out, up, pool_);
  if (config_.runtime.rotates_gated) {
    ops::hadamard_in_place(ops::hadamard_for(config_.intermediate), out, pool_);
  }
}

void DecoderBlock::add_branch(std::string_view linear,
                              std::string_view norm,
                              MatrixView<const float> inner,
                              MatrixView<float> hidden) {
  const auto branch = scratch(kBranch, hidden.rows, hidden.cols);
  apply(linear, inner, branch);
  if (config_.sandwich_norms) {
    ops::rms_norm(branch, vector(norm), config_.norm_epsilon, branch, pool_);
  }
  ops::add_in_place(branch, hidden, pool_);
}

MatrixView<const float> DecoderBlock::reach(Site site, const BlockRows& rows) {
  NIBBLE_CHECK(rows.window > 0 && rows.hidden.rows % rows.window == 0, "rows are whole windows");
  const auto attended = rows.inner.cols_from(0, cols_at(Site::kAttentionOut));
  const auto gated = rows.inner.cols_from(0, cols_at(Site::kMlpOut));
  if (site == Site::kMlpIn) {
    add_branch(kAttentionOut[0], "post_attention_layernorm.weight", attended, rows.hidden);
  }
  const auto normed = scratch(kNormed, rows.hidden.rows, rows.hidden.cols);
  ops::rms_norm(rows.hidden, vector(norm_before(site)), config_.norm_epsilon, normed, pool_);
  switch (site) {
    case Site::kAttentionOut:
      attend(normed, rows.window, attended);
      return attended;
    case Site::kMlpOut:
      gate(normed, gated);
      return gated;
    default:
      return normed;
  }
}

void DecoderBlock::leave(const BlockRows& rows) {
  add_branch(kMlpOut[0],
             "post_feedforward_layernorm.weight",
             rows.inner.cols_from(0, cols_at(Site::kMlpOut)),
             rows.hidden);
}

void DecoderBlock::attention_branch(MatrixView<const float> x,
                                    std::size_t window,
                                    MatrixView<float> out) {
  std::vector<float> attended(x.rows * cols_at(Site::kAttentionOut));
  const MatrixView<float> inner(attended.data(), x.rows, cols_at(Site::kAttentionOut));
  attend(x, window, inner);
  apply(kAttentionOut[0], inner, out);
}

void DecoderBlock::mlp_branch(MatrixView<const float> x, MatrixView<float> out) {
  std::vector<float> gated(x.rows * config_.intermediate);
  const MatrixView<float> inner(gated.data(), x.rows, config_.intermediate);
  gate(x, inner);
  apply(kMlpOut[0], inner, out);
}

}  // namespace nibble::quant
