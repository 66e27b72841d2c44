/// A small random decoder block on both sides, with windows of tokens.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "io/checkpoint_writer.h"
#include "quant/calibrate/decoder_block.h"
#include "quant/device/block.h"
#include "support/files.h"
#include "unit/quant/device/random_weights.h"

namespace nibble::quant {

/// A config of one layer: heads of 64 columns, two a key/value head.
inline model::ModelConfig small_block_config() {
  model::ModelConfig config;
  config.architecture = "llama";
  config.vocab = 1;
  config.hidden = 128;
  config.intermediate = 192;
  config.n_layers = 1;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 64;
  config.attention_scale = 0.125F;
  return config;
}

/// Weights are numbers of binary16.
inline DecoderBlock random_block(const model::ModelConfig& config, ThreadPool& pool) {
  DecoderBlock block(config, 0, pool);
  std::uint32_t seed = 90;
  for (const model::WeightInfo& info : block.list()) {
    const bool is_norm = info.role == model::WeightRole::kNorm;
    auto values = random_weights(info.rows * info.cols, ++seed, is_norm ? 0.2F : 0.08F);
    for (float& w : values) {
      w = f16_to_f32(f32_to_f16(is_norm ? 1.0F + w : w));
    }
    block.set_weight(DecoderBlock::short_name(info.name), std::move(values));
  }
  return block;
}

/// What a host's block is on a device.
class BlockOnDevice {
 public:
  BlockOnDevice(const DecoderBlock& from, ops::Device& device, ThreadPool& pool)
      : checkpoint_(write(from)),
        config_(from.config()),
        block(*checkpoint_, config_, 0, device, pool) {}

 private:
  std::unique_ptr<io::Checkpoint> write(const DecoderBlock& from) {
    auto writer = io::CheckpointWriter::create(folder_ / "model").take();
    for (const model::WeightInfo& info : from.list()) {
      const auto w = from.weight(DecoderBlock::short_name(info.name));
      const Shape shape = w.rows == 1 ? Shape{w.cols} : Shape{w.rows, w.cols};
      writer
          .add_tensor(info.name, Tensor::from<float>(DType::kF32, shape, {w.data, w.rows * w.cols}))
          .take();
    }
    writer.finish(Json::object()).take();
    return io::open_checkpoint(folder_ / "model").take();
  }

  nibble::testing::TempFolder folder_;
  std::unique_ptr<io::Checkpoint> checkpoint_;
  model::ModelConfig config_;

 public:
  DeviceBlock block;
};

inline std::vector<float> download_floats(ops::Device& device, const ops::DeviceBuffer& from) {
  std::vector<float> out(from.size() / sizeof(float));
  device.download(from.data(), out.data(), from.size());
  return out;
}

}  // namespace nibble::quant
