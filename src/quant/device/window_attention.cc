#include "quant/device/window_attention.h"

#include "model/device/page_memory.h"
#include "model/kv_setup.h"
#include "model/layers/attention_block.h"

namespace nibble::quant {

WindowAttention::WindowAttention(ops::Device& device,
                                 const model::ModelConfig& config,
                                 std::size_t window,
                                 std::size_t most_windows)
    : device_(device), config_(config), window_(window) {
  config_.n_layers = 1;
  const std::size_t cache_bytes = most_windows * (window + model::kPageTokens) *
                                  model::KvCache::bytes_per_token(config_, DType::kF16);
  cache_.emplace(config_,
                 model::default_kv_setup(Arithmetic::kNative),
                 cache_bytes,
                 model::device_page_memory(device.shared_from_this()));
  for (std::size_t i = 0; i < most_windows; ++i) {
    sequences_.push_back(cache_->create());
    cache_->extend(sequences_.back(), window);
  }
}

std::size_t WindowAttention::bytes_a_token(const model::ModelConfig& config) {
  return model::KvCache::bytes_per_token(config, DType::kF16) / config.n_layers;
}

kernels::cuda::KvShape WindowAttention::shape() const noexcept {
  return {.n_heads = static_cast<int>(config_.n_heads),
          .n_kv_heads = static_cast<int>(config_.n_kv_heads),
          .head_dim = static_cast<int>(config_.head_dim),
          .page_tokens = static_cast<int>(model::kPageTokens),
          .layer = 0};
}

void WindowAttention::need_batch(std::size_t n_windows) {
  if (plan_.first_page.size() == n_windows) {
    return;
  }
  std::vector<model::SequenceChunk> chunks;
  for (std::size_t i = 0; i < n_windows; ++i) {
    chunks.push_back({sequences_[i], window_});
  }
  plan_ = model::plan_batch(config_, chunks, *cache_, {}, {.is_wide = true});
  batch_.upload(device_, plan_);
}

void WindowAttention::run(const DeviceBlock& block, void* qkv, void* out, std::size_t n_windows) {
  need_batch(n_windows);
  kernels::cuda::RopeTask rope;
  rope.batch = batch_.view();
  rope.shape = shape();
  rope.qkv = qkv;
  rope.inverse_frequency = block.weights().inverse_frequency.as<const float>();
  rope.bias = block.weights().qkv_bias.as<const float>();
  rope.q_norm = block.weights().q_norm.as<const float>();
  rope.k_norm = block.weights().k_norm.as<const float>();
  rope.epsilon = config_.norm_epsilon;
  device_.kernels().rope_store(rope, device_.stream());
  kernels::cuda::AttentionTask task;
  task.batch = rope.batch;
  task.shape = rope.shape;
  task.qkv = qkv;
  task.out = out;
  task.tiles = batch_.tiles();
  task.n_tiles = static_cast<int>(plan_.tiles.size());
  task.pages_per_split = static_cast<int>(plan_.most_pages);
  task.is_wide = true;
  task.scale = config_.attention_scale;
  task.window = static_cast<int>(model::attention_shape(block.config(), 0).window);
  device_.kernels().attention(task, device_.stream());
}

}  // namespace nibble::quant
