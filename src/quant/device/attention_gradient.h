/// Attention of whole windows backwards on a device; gradient/attention.h has the formulas.
///
/// Some windows and some queries of them at a time: their scores and probabilities are made again
/// and lie in memory while products read them.
///
/// Shapes     qkv, raw and d_qkv half [tokens][(n_heads + 2 n_kv_heads) * head_dim]; d_attended
///            half [tokens][n_heads * head_dim]
/// Precision  scores float32, probabilities and gradients binary16, sums of products float32
/// Errors     those of Device and products.h
/// Source     gradient/attention.h
#pragma once

#include "kernels/cuda/autoround.h"
#include "quant/device/arena.h"
#include "quant/device/block.h"
#include "quant/device/window_attention.h"

namespace nibble::quant {

/// What a forward pass left, and the gradient of its output.
struct AttentionOnDevice {
  const void* qkv = nullptr;  ///< as WindowAttention leaves it
  const void* raw = nullptr;  ///< with norms of heads: as its product left it
  const void* d_attended = nullptr;
  void* d_qkv = nullptr;  ///< becomes the gradient of what the product left, biases added
};

class DeviceAttentionGradient {
 public:
  /// `config` is that of a model with one layer; at most `most_windows` at once.
  DeviceAttentionGradient(ops::Device& device,
                          const model::ModelConfig& config,
                          std::size_t window,
                          std::size_t most_windows);

  /// For what `attention` has last run; works in what it takes of `arena`.
  void run(const DeviceBlock& block,
           const WindowAttention& attention,
           const AttentionOnDevice& task,
           std::size_t n_windows,
           Arena arena) const;
  static std::size_t scratch_bytes(const model::ModelConfig& config,
                                   std::size_t window,
                                   std::size_t most_windows);

 private:
  /// What is in memory at once.
  struct Tiles {
    std::size_t stride;     ///< of scores
    std::size_t n_queries;  ///< of each window
    std::size_t n_windows;
  };
  struct Scratch;
  static Tiles make_tiles(const model::ModelConfig& config,
                          std::size_t window,
                          std::size_t most_windows);
  static Scratch lay_out(const model::ModelConfig& config,
                         std::size_t window,
                         const Tiles& tiles,
                         Arena& arena);
  void run_windows(const DeviceBlock& block,
                   const kernels::cuda::SplitTask& split,
                   const AttentionOnDevice& task,
                   const Scratch& scratch) const;
  /// Queries first … first + n - 1 of all units.
  void run_queries(const Scratch& scratch, std::size_t n_units, std::size_t first) const;

  ops::Device& device_;
  model::ModelConfig config_;
  std::size_t window_;
  std::size_t sliding_;  ///< keys that a query sees, or 0
  Tiles tiles_;
};

}  // namespace nibble::quant
