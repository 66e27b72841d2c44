#include "model/layers/attention_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ops/elementwise.h"
#include "ops/rope.h"

namespace nibble::model {
namespace {

bool is_sliding(const ModelConfig& config, std::size_t layer) {
  return layer < config.sliding_layers.size() && config.sliding_layers[layer] != 0;
}

std::string stem(std::size_t layer, std::string_view part) {
  return fmt::format("model.layers.{}.self_attn.{}", layer, part);
}

std::vector<float> head_norm(const ModelConfig& config,
                             const WeightLoader& weights,
                             const std::string& name) {
  return config.qk_norm ? weights.vector(name + ".weight", config.head_dim) : std::vector<float>{};
}

/// The rows of x that are probed, copied; none where nothing is.
MatrixView<float> gather_probed(Stream& stream, MatrixView<const float> x, Workspace::Slot slot) {
  const AttentionProbes* const probes = stream.probes();
  if (probes == nullptr) {
    return {};
  }
  const auto out = stream.scratch(slot, probes->rows().size(), x.cols);
  for (std::size_t i = 0; i < out.rows; ++i) {
    std::ranges::copy(x.row_span(probes->rows()[i]), out.row(i));
  }
  return out;
}

}  // namespace

ops::AttentionShape attention_shape(const ModelConfig& config, std::size_t layer) {
  ops::AttentionShape shape;
  shape.n_heads = config.n_heads;
  shape.n_kv_heads = config.n_kv_heads;
  shape.head_dim = config.head_dim;
  shape.scale = config.attention_scale;
  shape.softcap = config.attention_softcap;
  shape.window = is_sliding(config, layer) ? config.sliding_window : 0;
  shape.page_tokens = kPageTokens;
  return shape;
}

std::vector<float> rope_frequencies(const ModelConfig& config, std::size_t layer) {
  if (config.rope_local_theta > 0 && is_sliding(config, layer)) {
    return ops::rope_inverse_frequencies(config.head_dim, config.rope_local_theta, {});
  }
  return ops::rope_inverse_frequencies(config.head_dim, config.rope_theta, config.rope_scaling);
}

ops::Hadamard attended_rotation(const ModelConfig& config) {
  return ops::hadamard_across(config.n_heads * config.head_dim, config.head_dim);
}

AttentionBlock::AttentionBlock(const ModelConfig& config,
                               const WeightLoader& weights,
                               std::size_t layer)
    : shape_(attention_shape(config, layer)),
      rounding_(config.runtime.activations),
      norm_epsilon_(config.norm_epsilon),
      inverse_frequency_(rope_frequencies(config, layer)),
      q_(weights.linear(
          stem(layer, "q_proj"), config.n_heads * config.head_dim, config.hidden, config.qkv_bias)),
      k_(weights.linear(stem(layer, "k_proj"),
                        config.n_kv_heads * config.head_dim,
                        config.hidden,
                        config.qkv_bias)),
      v_(weights.linear(stem(layer, "v_proj"),
                        config.n_kv_heads * config.head_dim,
                        config.hidden,
                        config.qkv_bias)),
      o_(weights.linear(stem(layer, "o_proj"), config.hidden, config.n_heads * config.head_dim)),
      q_norm_(head_norm(config, weights, stem(layer, "q_norm"))),
      k_norm_(head_norm(config, weights, stem(layer, "k_norm"))) {
  if (config.runtime.rotates_heads) {
    head_rotation_ = ops::hadamard_for(config.head_dim);
  }
  if (config.runtime.rotates_attended) {
    attended_rotation_ = attended_rotation(config);
  }
}

AttentionBlock::Projections AttentionBlock::project(Stream& stream) const {
  const std::size_t n_rows = stream.n_rows();
  const auto k = stream.scratch(Workspace::kKeys, n_rows, k_.rows());
  const auto v = stream.scratch(Workspace::kValues, n_rows, v_.rows());
  if (!stream.narrows()) {
    const auto q = stream.scratch(Workspace::kQueries, n_rows, q_.rows());
    ops::apply_all(std::array{&q_, &k_, &v_}, stream.normed(), std::array{q, k, v}, stream.pool());
    return {q, k, v, gather_probed(stream, q, Workspace::kProbedQueries)};
  }
  ops::apply_all(std::array{&k_, &v_}, stream.normed(), std::array{k, v}, stream.pool());
  const auto probed = project_probed(stream);
  stream.narrow();
  const auto q = stream.scratch(Workspace::kQueries, stream.n_rows(), q_.rows());
  if (q.rows > 0) {
    q_.apply(stream.normed(), q, stream.pool());
  }
  return {q, k, v, probed};
}

MatrixView<float> AttentionBlock::project_probed(Stream& stream) const {
  const auto normed = gather_probed(stream, stream.normed(), Workspace::kProbedNormed);
  const auto q = stream.scratch(Workspace::kProbedQueries, normed.rows, q_.rows());
  if (q.rows > 0) {
    q_.apply(normed, q, stream.pool());
  }
  return q;
}

void AttentionBlock::normalize_heads(MatrixView<float> x,
                                     std::span<const float> weight,
                                     ThreadPool& pool) const {
  if (!weight.empty() && x.rows > 0) {
    const MatrixView<float> heads(x.data, x.rows * x.cols / shape_.head_dim, shape_.head_dim);
    ops::rms_norm(heads, weight, norm_epsilon_, heads, pool);
  }
}

void AttentionBlock::place(MatrixView<float> x,
                           std::span<const std::int32_t> positions,
                           ThreadPool& pool) const {
  ops::rope_in_place(x, shape_.head_dim, inverse_frequency_, positions, pool);
  if (head_rotation_) {
    ops::hadamard_in_place(*head_rotation_, x, pool);
  }
}

void AttentionBlock::measure(Stream& stream,
                             const ops::AttentionShape& shape,
                             MatrixView<float> probed) const {
  AttentionProbes& probes = *stream.probes();
  normalize_heads(probed, q_norm_, stream.pool());
  place(probed, probes.positions(), stream.pool());
  probes.measure(shape, probed, stream.pool());
}

void AttentionBlock::run(Stream& stream) const {
  ThreadPool& pool = stream.pool();
  ops::round_tokens(rounding_, stream.normed(), pool);
  const auto [q, k, v, probed] = project(stream);
  ops::AttentionShape shape = shape_;
  shape.kv_dtype = stream.kv_dtype();
  shape.coding = stream.kv_coding();

  normalize_heads(k, k_norm_, pool);
  if (shape.coding == nullptr || !shape.coding->scheme->keys_before_rope) {
    place(k, stream.all().positions(), pool);
  }
  ops::store_kv(shape, k, v, stream.all().sequences(), pool);
  if (stream.probes() != nullptr) {
    measure(stream, shape, probed);
  }
  if (stream.n_rows() == 0) {
    return;
  }
  normalize_heads(q, q_norm_, pool);
  place(q, stream.queries().positions(), pool);
  const auto attended = stream.scratch(Workspace::kAttended, q.rows, q.cols);
  ops::attention(shape, q, stream.queries().sequences(), attended, pool);
  if (attended_rotation_) {
    ops::hadamard_in_place(*attended_rotation_, attended, pool);
  }
  ops::round_tokens(rounding_, attended, pool);
  o_.apply(attended, stream.branch(), pool);
}

std::size_t AttentionBlock::packed_bytes() const noexcept {
  return q_.packed_bytes() + k_.packed_bytes() + v_.packed_bytes() + o_.packed_bytes();
}

}  // namespace nibble::model
