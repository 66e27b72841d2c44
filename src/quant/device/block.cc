#include "quant/device/block.h"

#include <fmt/format.h>

#include "base/check.h"
#include "model/layers/attention_block.h"
#include "quant/calibrate/decoder_block.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kHalf = 2;
/// Gates and what they let through take turns of so many rows.
constexpr std::size_t kTurn = 8;

/// Where a vector that transforms rewrite lies; nothing for what is no such vector.
struct PlaceOfVector {
  const ops::DeviceBuffer* all = nullptr;
  std::size_t first = 0;
};

PlaceOfVector place_of_vector(const DeviceBlock::Weights& weights,
                              const model::ModelConfig& config,
                              std::string_view name) {
  if (name == "input_layernorm.weight") {
    return {&weights.attention_norm};
  }
  if (name == "post_attention_layernorm.weight") {
    return {&weights.mlp_norm};
  }
  if (name == "self_attn.v_proj.bias" && config.qkv_bias) {
    return {&weights.qkv_bias, (config.n_heads + config.n_kv_heads) * config.head_dim};
  }
  return {};
}

}  // namespace

DeviceBlock::DeviceBlock(const io::Checkpoint& checkpoint,
                         const model::ModelConfig& config,
                         std::size_t layer,
                         ops::Device& device,
                         ThreadPool& pool)
    : checkpoint_(checkpoint),
      whole_(config),
      config_(DecoderBlock(config, layer, pool).config()),
      layer_(layer),
      device_(device),
      pool_(pool) {
  const std::size_t q = config.n_heads * config.head_dim;
  const std::size_t kv = config.n_kv_heads * config.head_dim;
  weights_.qkv = device.allocate((q + 2 * kv) * config.hidden * kHalf);
  weights_.o = device.allocate(config.hidden * q * kHalf);
  weights_.gate_up = device.allocate(2 * config.intermediate * config.hidden * kHalf);
  weights_.down = device.allocate(config.hidden * config.intermediate * kHalf);
  weights_.attention_norm = upload_vector("input_layernorm.weight");
  weights_.mlp_norm = upload_vector("post_attention_layernorm.weight");
  weights_.inverse_frequency =
      device.upload(std::span<const float>(model::rope_frequencies(config_, 0)));
  if (config.qk_norm) {
    weights_.q_norm = upload_vector("self_attn.q_norm.weight");
    weights_.k_norm = upload_vector("self_attn.k_norm.weight");
  }
  if (config.qkv_bias) {
    std::vector<float> all;
    for (const char* part : {"q_proj", "k_proj", "v_proj"}) {
      const std::vector<float> bias = vector(fmt::format("self_attn.{}.bias", part));
      all.insert(all.end(), bias.begin(), bias.end());
    }
    weights_.qkv_bias = device.upload(std::span<const float>(all));
  }
  load_linears();
}

void DeviceBlock::load_linears() {
  for (const Site site : kSites) {
    for (const std::string_view name : linears_at(site)) {
      const DeviceMatrix values = original(name);
      require_finite(device_, values, fmt::format("model.layers.{}.{}", layer_, name));
      set_weight(name, values);
    }
  }
}

std::vector<float> DeviceBlock::vector(std::string_view name) const {
  const auto stored =
      model::load_weight(checkpoint_, whole_, fmt::format("model.layers.{}.{}", layer_, name))
          .take();
  return decode_matrix(stored, pool_);
}

ops::DeviceBuffer DeviceBlock::upload_vector(std::string_view name) const {
  return device_.upload(std::span<const float>(vector(name)));
}

DeviceMatrix DeviceBlock::original(std::string_view name) const {
  const auto stored =
      model::load_weight(checkpoint_, whole_, fmt::format("model.layers.{}.{}", layer_, name))
          .take();
  return upload_matrix(device_, stored, pool_);
}

DeviceMatrix DeviceBlock::weight(std::string_view name) const {
  const auto found = rewritten_.find(name);
  return found != rewritten_.end() ? found->second : original(name);
}

void DeviceBlock::rewrite(std::string_view name, DeviceMatrix values) {
  set_weight(name, values);
  rewritten_.insert_or_assign(std::string(name), std::move(values));
}

DeviceBlock::PlaceOfRows DeviceBlock::place_of(std::string_view name) const {
  const std::size_t q = config_.n_heads * config_.head_dim;
  const std::size_t kv = config_.n_kv_heads * config_.head_dim;
  if (name == "self_attn.q_proj.weight") {
    return {&weights_.qkv};
  }
  if (name == "self_attn.k_proj.weight") {
    return {&weights_.qkv, q};
  }
  if (name == "self_attn.v_proj.weight") {
    return {&weights_.qkv, q + kv};
  }
  if (name == "self_attn.o_proj.weight") {
    return {&weights_.o};
  }
  if (name == "mlp.gate_proj.weight") {
    return {&weights_.gate_up, 0, kTurn};
  }
  if (name == "mlp.up_proj.weight") {
    return {&weights_.gate_up, kTurn, kTurn};
  }
  NIBBLE_CHECK(name == "mlp.down_proj.weight", "a weight that the block does not have");
  return {&weights_.down};
}

void DeviceBlock::set_weight(std::string_view name, const DeviceMatrix& values) {
  if (const PlaceOfVector place = place_of_vector(weights_, config_, name); place.all != nullptr) {
    device_.copy(
        values.data(), place.all->as<float>() + place.first, values.size() * sizeof(float));
    return;
  }
  const PlaceOfRows place = place_of(name);
  quantize_kernels().narrow_rows(values.data(),
                                 place.product->data(),
                                 static_cast<int>(values.rows),
                                 static_cast<int>(values.cols),
                                 static_cast<int>(place.first),
                                 static_cast<int>(place.turn),
                                 device_.stream());
}

}  // namespace nibble::quant
