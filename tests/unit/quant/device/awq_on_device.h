/// A block of tests of AWQ as a checkpoint of one layer, and its tokens, on a device.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "io/checkpoint_writer.h"
#include "quant/device_transform.h"
#include "support/files.h"
#include "unit/quant/device/random_weights.h"
#include "unit/quant/transform/awq_block.h"

namespace nibble::quant {

class AwqOnDevice {
 public:
  AwqOnDevice(const AwqBlock& awq, ops::Device& device, ThreadPool& pool)
      : codec_(awq.codec),
        device_(device),
        checkpoint_(write(awq.block)),
        config_(awq.block.config()),
        block_(*checkpoint_, config_, 0, device, pool),
        walk_(device, config_, awq.tokens) {}

  DeviceTransformInput input() {
    return {device_, block_, walk_, [this](std::string_view) { return codec_; }};
  }
  [[nodiscard]] std::vector<float> weight(std::string_view name) const {
    const DeviceMatrix values = block_.weight(name);
    std::vector<float> out(values.size());
    device_.download(values.data(), out.data(), out.size() * sizeof(float));
    return out;
  }

 private:
  std::unique_ptr<io::Checkpoint> write(const DecoderBlock& block) {
    auto writer = io::CheckpointWriter::create(folder_ / "model").take();
    for (const model::WeightInfo& info : block.list()) {
      const auto w = block.weight(DecoderBlock::short_name(info.name));
      const Shape shape = w.rows == 1 ? Shape{w.cols} : Shape{w.rows, w.cols};
      writer
          .add_tensor(info.name, Tensor::from<float>(DType::kF32, shape, {w.data, w.rows * w.cols}))
          .take();
    }
    writer.finish(Json::object()).take();
    return io::open_checkpoint(folder_ / "model").take();
  }

  nibble::testing::TempFolder folder_;
  std::shared_ptr<const codec::Codec> codec_;
  ops::Device& device_;
  std::unique_ptr<io::Checkpoint> checkpoint_;
  model::ModelConfig config_;
  DeviceBlock block_;
  DeviceWalk walk_;
};

/// A block with heads of 64 columns, none shared, whose inputs have some large channels.
inline AwqBlock uneven_awq_block(ThreadPool& pool, std::string_view codec) {
  model::ModelConfig config;
  config.architecture = "llama";
  config.vocab = 1;
  config.hidden = 128;
  config.intermediate = 192;
  config.n_layers = 1;
  config.n_heads = 2;
  config.n_kv_heads = 2;
  config.head_dim = 64;
  config.attention_scale = 0.125F;
  DecoderBlock block(config, 0, pool);
  std::uint32_t seed = 40;
  for (const model::WeightInfo& info : block.list()) {
    auto values = random_weights(info.rows * info.cols, ++seed, 0.06F);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = info.role == model::WeightRole::kNorm ? (i % 17 == 3 ? 6.0F : 1.0F) : values[i];
    }
    block.set_weight(DecoderBlock::short_name(info.name), std::move(values));
  }
  return {std::move(block),
          BlockTokens(random_weights(12 * 70 * 128, 7, 1.0F), 128, 70),
          codec::codec_from_name(std::string(codec)).take()};
}

}  // namespace nibble::quant
