/// Attention of whole windows on a device, each a sequence of its own from position 0.
///
/// Shapes     qkv half [tokens][(n_heads + 2 n_kv_heads) * head_dim], as its product leaves it; out
///            half [tokens][n_heads * head_dim]; tokens are windows one behind the other
/// Precision  that of the device's kernels
/// Errors     those of Device
/// Source     model/device/batch.h
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/device/batch.h"
#include "model/kv_cache.h"
#include "quant/device/block.h"

namespace nibble::quant {

class WindowAttention {
 public:
  /// `config` is that of a model with one layer; at most `most_windows` at once.
  WindowAttention(ops::Device& device,
                  const model::ModelConfig& config,
                  std::size_t window,
                  std::size_t most_windows);

  /// Bytes of keys and values a token.
  static std::size_t bytes_a_token(const model::ModelConfig& config);

  /// Leaves rotated queries in `qkv`, rotated keys and values in the pages of `batch`.
  void run(const DeviceBlock& block, void* qkv, void* out, std::size_t n_windows);

  /// Where the tokens of the last run stand.
  [[nodiscard]] const kernels::cuda::BatchView& batch() const noexcept { return batch_.view(); }
  [[nodiscard]] kernels::cuda::KvShape shape() const noexcept;

 private:
  void need_batch(std::size_t n_windows);

  ops::Device& device_;
  model::ModelConfig config_;
  std::vector<std::int32_t> window_;  ///< tokens, of which only the number counts
  std::optional<model::KvCache> cache_;
  std::vector<model::SequenceId> sequences_;
  model::DeviceBatch batch_;
  model::BatchPlan plan_;
};

}  // namespace nibble::quant
