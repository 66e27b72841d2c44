/// Self-attention of one layer: projections, RoPE, the cache, and the way back to the residual
/// width.
///
///   branch = W_o attention(rope(norm_q(W_q x + b_q)), rope(norm_k(W_k x + b_k)), W_v x + b_v)
///
/// The norms run on each head and exist only with `qk_norm`, the biases only with `qkv_bias`. Where
/// the runtime says so, heads of queries and keys are rotated behind RoPE, what attention gives is
/// rotated across heads, and x and that are rounded in place.
///
/// Shapes     x = stream.normed() [rows, hidden]; stream.branch() [rows, hidden]
/// With a scheme that codes keys before RoPE they are stored unrotated. Queries that the stream
/// probes are measured beside (layers/attention_probes.h).
///
/// Precision  that of the ops; keys and values are stored as the cache keeps them
/// Threads    one call at a time
/// Source     Vaswani et al. 2017, arXiv 1706.03762; grouped queries: Ainslie et al. 2023, arXiv
///            2305.13245
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "model/config.h"
#include "model/layers/stream.h"
#include "model/weights/weight_loader.h"
#include "ops/attention.h"
#include "ops/hadamard.h"
#include "ops/linear.h"

namespace nibble::model {

/// What attention needs to know of a layer; what the cache holds is the caller's to set.
ops::AttentionShape attention_shape(const ModelConfig& config, std::size_t layer);

/// The angles a position that RoPE turns the pairs of a head of a layer by, [head_dim / 2]. Gemma 3
/// rotates its sliding layers with a base of their own, unscaled.
std::vector<float> rope_frequencies(const ModelConfig& config, std::size_t layer);

/// Across the heads of what attention gives: of its n_heads * head_dim columns, the part of the
/// transform that no head can do by itself.
ops::Hadamard attended_rotation(const ModelConfig& config);

class AttentionBlock {
 public:
  AttentionBlock(const ModelConfig& config, const WeightLoader& weights, std::size_t layer);

  /// Narrows the stream where it is due.
  void run(Stream& stream) const;

  [[nodiscard]] std::size_t packed_bytes() const noexcept;

 private:
  struct Projections {
    MatrixView<float> q, k, v;
    MatrixView<float> probed;  ///< queries of the rows that are probed
  };
  [[nodiscard]] Projections project(Stream& stream) const;
  /// Queries of the probed rows, made alone: the stream is about to narrow.
  [[nodiscard]] MatrixView<float> project_probed(Stream& stream) const;
  /// What the probed queries look at; the layer's keys are stored.
  void measure(Stream& stream, const ops::AttentionShape& shape, MatrixView<float> probed) const;
  void normalize_heads(MatrixView<float> x, std::span<const float> weight, ThreadPool& pool) const;
  /// RoPE, and what follows it.
  void place(MatrixView<float> x, std::span<const std::int32_t> positions, ThreadPool& pool) const;

  ops::AttentionShape shape_;
  ops::TokenRounding rounding_;
  std::optional<ops::Hadamard> head_rotation_, attended_rotation_;
  float norm_epsilon_;
  std::vector<float> inverse_frequency_;
  ops::Linear q_, k_, v_, o_;
  std::vector<float> q_norm_, k_norm_;  ///< empty without qk_norm
};

}  // namespace nibble::model
