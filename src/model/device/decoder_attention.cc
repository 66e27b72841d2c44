// The attention of a layer on a device: from normed rows to the branch that is added.
#include "model/device/buffers.h"
#include "model/device/decoder.h"
#include "model/device/probes.h"
#include "model/layers/attention_block.h"

namespace nibble::model {
namespace {

using kernels::cuda::Epilogue;

kernels::cuda::KvShape kv_shape(const ModelConfig& config, std::size_t layer) {
  return {.n_heads = static_cast<int>(config.n_heads),
          .n_kv_heads = static_cast<int>(config.n_kv_heads),
          .head_dim = static_cast<int>(config.head_dim),
          .page_tokens = static_cast<int>(kPageTokens),
          .layer = static_cast<int>(layer)};
}

}  // namespace

kernels::cuda::RopeTask DeviceDecoder::rope_task(const DeviceLayer& layer, std::size_t index) {
  kernels::cuda::RopeTask rope;
  rope.batch = batch_.view();
  rope.shape = kv_shape(config_, index);
  rope.qkv = buffers_->qkv.data();
  rope.inverse_frequency = layer.inverse_frequency.as<const float>();
  rope.bias = layer.qkv_bias.as<const float>();
  rope.q_norm = layer.q_norm.as<const float>();
  rope.k_norm = layer.k_norm.as<const float>();
  rope.epsilon = config_.norm_epsilon;
  return rope;
}

kernels::cuda::AttentionTask DeviceDecoder::attention_task(const DeviceLayer& layer,
                                                           std::size_t index,
                                                           const BatchPlan& plan) {
  Buffers& b = *buffers_;
  kernels::cuda::AttentionTask task;
  task.batch = batch_.view();
  task.shape = kv_shape(config_, index);
  task.qkv = b.qkv.data();
  task.out = b.attended.data();
  task.arranges = !transforms_.attended.is_on() &&
                  layer.o.takes_arranged(*device_, plan.tokens.size(), fixed_order());
  task.tiles = batch_.tiles();
  task.n_tiles = static_cast<int>(plan.tiles.size());
  task.n_splits = static_cast<int>(plan.n_splits);
  task.pages_per_split = static_cast<int>(plan.pages_per_split);
  task.is_wide = plan.is_wide;
  task.scale = config_.attention_scale;
  task.softcap = config_.attention_softcap;
  task.window = static_cast<int>(attention_shape(config_, index).window);
  task.partial = reinterpret_cast<float*>(
      scratch(b.partial, plan.n_splits > 1 ? attention_partial_floats(task) * sizeof(float) : 0));
  return task;
}

bool DeviceDecoder::attends_plainly() const noexcept {
  constexpr std::size_t kMostDim = 128;
  return !kv_.scheme().is_coded() && !transforms_.heads.is_on() && config_.head_dim <= kMostDim &&
         config_.attention_softcap == 0.0F && !has_large_groups(config_);
}

void DeviceDecoder::attend_pages(kernels::cuda::RopeTask rope,
                                 const kernels::cuda::AttentionTask& task,
                                 const DeviceLayer& layer,
                                 std::size_t index) {
  rope.stays = true;
  rope.turns_keys = !kv_.scheme().keys_before_rope;
  device_->kernels().rope_store(rope, device_->stream());
  transforms_.heads.apply(
      *device_, rope.qkv, static_cast<std::size_t>(rope.batch.n_tokens), qkv_cols(config_));
  kernels::cuda::StoreTask store;
  store.batch = rope.batch;
  store.shape = rope.shape;
  store.kv = kv_.of_layer(index, layer.inverse_frequency);
  store.qkv = rope.qkv;
  constexpr std::size_t kCutBytes = 2 * sizeof(float);
  const auto n_tokens = static_cast<std::size_t>(rope.batch.n_tokens);
  store.cuts = reinterpret_cast<float*>(
      scratch(buffers_->cuts, kv_.scheme().needs_tables() ? n_tokens * kCutBytes : 0));
  device_->kernels().store_kv(store, device_->stream());
  device_->kernels().page_attention(task, store.kv, device_->stream());
}

void DeviceDecoder::run_attention(const DeviceLayer& layer,
                                  std::size_t index,
                                  const BatchPlan& plan) {
  Buffers& b = *buffers_;
  const std::size_t n = plan.tokens.size();
  multiply_normed(layer.qkv,
                  b.hidden.as<float>(),
                  layer.attention_norm,
                  n,
                  {b.qkv.data(), qkv_cols(config_), Epilogue::kHalf});
  const kernels::cuda::RopeTask rope = rope_task(layer, index);
  const kernels::cuda::AttentionTask task = attention_task(layer, index, plan);
  const auto& k = device_->kernels();
  bool is_turned = true;
  if (!attends_plainly()) {
    attend_pages(rope, task, layer, index);
  } else if (!fixed_order() && plan.is_decode &&
             k.decode_attention(rope, task, device_->stream())) {
    is_turned = false;
  } else {
    k.rope_store(rope, device_->stream());
    k.attention(task, device_->stream());
  }
  if (probes_ != nullptr) {
    probes_->measure(rope, task, is_turned);
  }
  const std::size_t width = config_.n_heads * config_.head_dim;
  transforms_.attended.apply(*device_, b.attended.data(), n, width);
  add_branch(layer.o,
             ops::DeviceRows{b.attended.data(), n, width, task.arranges},
             layer.attended_norm,
             b.hidden.as<float>());
}

}  // namespace nibble::model
