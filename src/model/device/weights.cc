#include "model/device/weights.h"

#include <fmt/format.h>

#include <array>

#include "base/cancel.h"
#include "model/device/exact_weights.h"
#include "model/layers/attention_block.h"
#include "tensor/half.h"

namespace nibble::model {
namespace {

/// Rows of the embedding that are converted and sent at a time.
constexpr std::size_t kRowsAtOnce = 4096;
constexpr std::size_t kHalfBytes = 2;
/// Query heads of a key/value head that a tile of attention holds.
constexpr std::size_t kMostHeadsOfGroup = kernels::cuda::kWideRows;

std::string name_of(std::size_t layer, std::string_view part) {
  return fmt::format("model.layers.{}.{}.weight", layer, part);
}

ops::DeviceBuffer upload_floats(ops::Device& device, const std::vector<float>& values) {
  return values.empty() ? ops::DeviceBuffer() : device.upload(std::span<const float>(values));
}

/// The layers of one model on their way to the device.
class DeviceLoader {
 public:
  DeviceLoader(const ModelConfig& config, const WeightLoader& weights, ops::Device& device)
      : config_(config), weights_(weights), device_(device) {}

  DeviceLayer layer(std::size_t i) const {
    const std::size_t q_rows = config_.n_heads * config_.head_dim;
    const std::size_t kv_rows = config_.n_kv_heads * config_.head_dim;
    DeviceLayer out;
    out.attention_norm = upload_floats(device_, weights_.norm(i, "input_layernorm"));
    out.mlp_norm = upload_floats(
        device_,
        weights_.norm(
            i, config_.sandwich_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm"));
    if (config_.sandwich_norms) {
      out.attended_norm = upload_floats(device_, weights_.norm(i, "post_attention_layernorm"));
      out.output_norm = upload_floats(device_, weights_.norm(i, "post_feedforward_layernorm"));
    }
    out.inverse_frequency = upload_floats(device_, rope_frequencies(config_, i));
    if (config_.qkv_bias) {
      out.qkv_bias = upload_floats(device_, biases(i));
    }
    if (config_.qk_norm) {
      out.q_norm = upload_floats(device_, head_norm(i, "self_attn.q_norm"));
      out.k_norm = upload_floats(device_, head_norm(i, "self_attn.k_norm"));
    }
    out.qkv = stacked({weights_.matrix(name_of(i, "self_attn.q_proj"), q_rows, config_.hidden),
                       weights_.matrix(name_of(i, "self_attn.k_proj"), kv_rows, config_.hidden),
                       weights_.matrix(name_of(i, "self_attn.v_proj"), kv_rows, config_.hidden)});
    out.o = stacked({weights_.matrix(name_of(i, "self_attn.o_proj"), config_.hidden, q_rows)});
    const std::array gated = {
        weights_.matrix(name_of(i, "mlp.gate_proj"), config_.intermediate, config_.hidden),
        weights_.matrix(name_of(i, "mlp.up_proj"), config_.intermediate, config_.hidden)};
    out.gate_up = pack(gated, kernels::interleaved_rows(gated[0], gated[1]));
    out.down = stacked(
        {weights_.matrix(name_of(i, "mlp.down_proj"), config_.hidden, config_.intermediate)});
    return out;
  }

  ops::DeviceLinear stacked(const std::vector<codec::EncodedMatrix>& sources) const {
    return pack(sources, kernels::stacked_rows(sources));
  }

  ops::DeviceBuffer embedding(const codec::EncodedMatrix& matrix) const {
    const std::size_t line = matrix.cols * kHalfBytes;
    ops::DeviceBuffer out = device_.allocate(matrix.rows * line);
    std::vector<float> values(kRowsAtOnce * matrix.cols);
    std::vector<std::uint16_t> halves(values.size());
    for (std::size_t first = 0; first < matrix.rows; first += kRowsAtOnce) {
      const std::size_t n = std::min(kRowsAtOnce, matrix.rows - first);
      weights_.pool().run(n, [&](std::size_t row, std::size_t /*worker*/) {
        float* const line_values = values.data() + row * matrix.cols;
        matrix.codec->decode_rows(matrix, first + row, 1, line_values);
        for (std::size_t c = 0; c < matrix.cols; ++c) {
          halves[row * matrix.cols + c] = f32_to_f16(line_values[c]);
        }
      });
      device_.upload(halves.data(), out.data() + first * line, n * line);
      device_.synchronize();
    }
    return out;
  }

 private:
  ops::DeviceLinear pack(std::span<const codec::EncodedMatrix> sources,
                         const std::vector<kernels::FragmentRow>& rows) const {
    return ops::DeviceLinear::make(device_,
                                   kernels::pack_fragments(sources, rows, weights_.pool()));
  }

  std::vector<float> head_norm(std::size_t i, std::string_view part) const {
    return weights_.vector(name_of(i, part), config_.head_dim);
  }

  std::vector<float> biases(std::size_t i) const {
    std::vector<float> out;
    for (const auto& [part, n_heads] : {std::pair("q_proj", config_.n_heads),
                                        std::pair("k_proj", config_.n_kv_heads),
                                        std::pair("v_proj", config_.n_kv_heads)}) {
      const std::vector<float> part_biases = weights_.vector(
          fmt::format("model.layers.{}.self_attn.{}.bias", i, part), n_heads * config_.head_dim);
      out.insert(out.end(), part_biases.begin(), part_biases.end());
    }
    return out;
  }

  const ModelConfig& config_;
  const WeightLoader& weights_;
  ops::Device& device_;
};

}  // namespace

std::size_t DeviceWeights::n_bytes() const noexcept {
  std::size_t n_bytes = embedding.size() + final_norm.size() + head.n_bytes();
  for (const DeviceLayer& layer : layers) {
    n_bytes += layer.n_bytes();
  }
  return n_bytes;
}

Result<void> check_device_support(const ModelConfig& config, Arithmetic arithmetic) {
  const auto refuse = [&](std::string_view what) {
    return fail(ErrorCode::kUnsupported, "a GPU does not run {} yet; --device cpu does", what);
  };
  if (arithmetic == Arithmetic::kF32) {
    return check_exact_support(config);
  }
  if (config.head_dim != 64 && config.head_dim != 128 && config.head_dim != 256) {
    return refuse(fmt::format("heads of {} columns", config.head_dim));
  }
  if (config.n_heads / config.n_kv_heads > kMostHeadsOfGroup) {
    return refuse(fmt::format("groups of {} heads", config.n_heads / config.n_kv_heads));
  }
  if (config.hidden % 8 != 0 || config.intermediate % 8 != 0) {
    return refuse("widths that are no multiples of 8");
  }
  return {};
}

DeviceWeights load_device_weights(const ModelConfig& config,
                                  const WeightLoader& weights,
                                  const StreamPlan& plan,
                                  ops::Device& device) {
  const DeviceLoader loader(config, weights, device);
  DeviceWeights out;
  if (plan.n_streamed() > 0) {
    out.stream = std::make_unique<LayerStream>(device.shared_from_this(), plan.slot_bytes);
  }
  const auto embedding = weights.matrix("model.embed_tokens.weight", config.vocab, config.hidden);
  out.embedding = loader.embedding(embedding);
  for (std::size_t i = 0; i < config.n_layers; ++i) {
    cancel_flag().check();
    out.layers.push_back(loader.layer(i));
    if (plan.is_streamed[i] != 0) {
      out.stream->add(i, out.layers.back());
    }
    weights.progress().advance(1);
  }
  out.final_norm = upload_floats(device, weights.vector("model.norm.weight", config.hidden));
  out.head = loader.stacked({config.tied_embeddings
                                 ? embedding
                                 : weights.matrix("lm_head.weight", config.vocab, config.hidden)});
  return out;
}

DeviceWeights random_device_weights(const ModelConfig& config,
                                    kernels::FragmentFormat format,
                                    std::size_t group,
                                    ops::Device& device) {
  const std::vector<std::uint8_t> none(config.n_layers);
  return random_device_weights(config, format, group, none, device);
}

DeviceWeights random_device_weights(const ModelConfig& config,
                                    kernels::FragmentFormat format,
                                    std::size_t group,
                                    std::span<const std::uint8_t> is_streamed,
                                    ops::Device& device) {
  std::uint32_t seed = 0;
  const auto matrix = [&](std::size_t rows, std::size_t cols) {
    return ops::DeviceLinear::random(device, {format, rows, cols, group, ++seed});
  };
  const std::size_t q_rows = config.n_heads * config.head_dim;
  const std::size_t kv_rows = config.n_kv_heads * config.head_dim;
  const std::vector<float> ones(config.hidden, 1.0F);
  DeviceWeights out;
  for (std::size_t i = 0; i < config.n_layers; ++i) {
    DeviceLayer layer;
    layer.attention_norm = upload_floats(device, ones);
    layer.mlp_norm = upload_floats(device, ones);
    layer.inverse_frequency = upload_floats(device, rope_frequencies(config, i));
    layer.qkv = matrix(q_rows + 2 * kv_rows, config.hidden);
    layer.o = matrix(config.hidden, q_rows);
    layer.gate_up = matrix(2 * config.intermediate, config.hidden);
    layer.down = matrix(config.hidden, config.intermediate);
    if (is_streamed[i] != 0) {
      if (out.stream == nullptr) {  // all layers are of one size
        out.stream = std::make_unique<LayerStream>(device.shared_from_this(), layer.block_bytes());
      }
      out.stream->add(i, layer);
    }
    out.layers.push_back(std::move(layer));
  }
  out.final_norm = upload_floats(device, ones);
  out.head = matrix(config.vocab, config.hidden);
  out.embedding = device.allocate(config.vocab * config.hidden * kHalfBytes);
  device.kernels().random_halves(
      out.embedding.data(), config.vocab * config.hidden, 1.0F, ++seed, device.stream());
  device.check("random weights");
  return out;
}

}  // namespace nibble::model
