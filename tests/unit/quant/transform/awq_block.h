/// A decoder block with calibration tokens, for tests of AWQ's transforms: that of the reference's
/// outputs, or a small one made up.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "codec/codecs.h"
#include "io/safetensors.h"
#include "quant/solve/nearest.h"
#include "quant/transform.h"
#include "support/quant_golden.h"

namespace nibble::quant {

struct AwqBlock {
  DecoderBlock block;
  BlockTokens tokens;
  std::shared_ptr<const codec::Codec> codec;

  TransformInput input() {
    return {block, tokens, [this](std::string_view) { return codec; }};
  }
};

/// Block 5 of SmolLM2-135M with 8 windows of 64 tokens. The file has the norms as scaling left
/// them, so that is undone first.
inline AwqBlock golden_awq_block(const std::filesystem::path& path, ThreadPool& pool) {
  model::ModelConfig config;
  config.architecture = "llama";
  config.vocab = 1;
  config.hidden = 576;
  config.intermediate = 1536;
  config.n_layers = 1;
  config.n_heads = 9;
  config.n_kv_heads = 3;
  config.head_dim = 64;
  config.attention_scale = 0.125F;
  config.rope_theta = 100000.0F;
  config.norm_epsilon = 1e-5F;
  const auto file = io::SafetensorsFile::open(path).take();
  DecoderBlock block(config, 0, pool);
  for (const model::WeightInfo& info : block.list()) {
    const std::string name(DecoderBlock::short_name(info.name));
    const std::string stem = name.substr(0, name.rfind('.'));
    if (info.role == model::WeightRole::kNorm) {
      const char* scales = stem == "input_layernorm" ? "scales.attn_in" : "scales.mlp_in";
      std::vector<float> values = to_f32(file.tensor(stem).take());
      const std::vector<float> factors = to_f32(file.tensor(scales).take());
      std::ranges::transform(values, factors, values.begin(), std::multiplies{});
      block.set_weight(name, std::move(values));
    } else {
      codec::EncodedMatrix matrix{codec::codec_from_name("q4_1").take(), info.rows, info.cols, {}};
      matrix.parts.push_back({"blocks", file.tensor("W_q4_1." + stem).take()});
      block.set_weight(name, codec::decode_all(matrix));
    }
  }
  return {std::move(block),
          BlockTokens(to_f32(file.tensor("block_input").take()), 576, 64),
          codec::codec_from_name("int4g64a").take()};
}

/// Scales the block by the reference's scales, up by rows and columns.
inline void scale_like_reference(AwqBlock& awq, const nibble::testing::GoldenTensors& golden) {
  const auto scale = [&](std::string_view name, std::string_view scales, bool by_rows) {
    const auto& s = golden.at(scales).values;
    const auto w = awq.block.weight(name);
    std::vector<float> values(w.data, w.data + w.rows * w.cols);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = by_rows ? values[i] / s[w.rows == 1 ? i : i / w.cols] : values[i] * s[i % w.cols];
    }
    awq.block.set_weight(name, std::move(values));
  };
  for (const std::string_view name : linears_at(Site::kAttentionIn)) {
    scale(name, "scales.attn_in", false);
  }
  for (const std::string_view name : linears_at(Site::kMlpIn)) {
    scale(name, "scales.mlp_in", false);
  }
  scale("mlp.down_proj.weight", "scales.down", false);
  scale("mlp.up_proj.weight", "scales.down", true);
  scale("input_layernorm.weight", "scales.attn_in", true);
  scale("post_attention_layernorm.weight", "scales.mlp_in", true);
}

/// A block of width 32 whose inputs have one large channel.
inline AwqBlock small_awq_block(ThreadPool& pool, const model::Runtime& runtime = {}) {
  model::ModelConfig config;
  config.runtime = runtime;
  config.architecture = "llama";
  config.vocab = 1;
  config.hidden = 32;
  config.intermediate = 48;
  config.n_layers = 1;
  config.n_heads = 2;
  config.n_kv_heads = 2;
  config.head_dim = 16;
  config.attention_scale = 0.25F;
  DecoderBlock block(config, 0, pool);
  for (const model::WeightInfo& info : block.list()) {
    std::vector<float> values(info.rows * info.cols);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto x = static_cast<float>((i * 2654435761U + info.name.size() * 977U) % 1009U);
      values[i] = info.role == model::WeightRole::kNorm ? 1.0F : (x - 504.0F) / 2000.0F;
    }
    block.set_weight(DecoderBlock::short_name(info.name), std::move(values));
  }
  std::vector<float> hidden(24 * 32);
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    hidden[i] = std::sin(static_cast<float>(i * i % 971)) * (i % 32 == 5 ? 20.0F : 1.0F);
  }
  return {std::move(block),
          BlockTokens(std::move(hidden), 32, 8),
          codec::codec_from_name("int3g16a").take()};
}

/// The block's output for its tokens.
inline std::vector<float> outputs_of(AwqBlock& awq) {
  BlockTokens tokens = awq.tokens;
  tokens.for_each_part(awq.block, [&](const BlockRows& rows, std::size_t) {
    for (const Site site : kSites) {
      awq.block.reach(site, rows);
    }
    awq.block.leave(rows);
  });
  const auto hidden = tokens.hidden();
  return {hidden.data, hidden.data + hidden.rows * hidden.cols};
}

/// Rounds every layer to AWQ's grid.
inline void round_block(AwqBlock& awq, ThreadPool& pool) {
  const auto& format = *codec::int_group_format(*awq.codec);
  for (const Site site : kSites) {
    for (const std::string_view name : linears_at(site)) {
      const auto w = awq.block.weight(name);
      const auto codes = nearest_int_group(w, format, RangeRule::kRaw, pool);
      awq.block.set_weight(name,
                           codec::decode_all(codec::pack_int_group(format, w.rows, w.cols, codes)));
    }
  }
}

inline double mean_square_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d;
  }
  return sum / static_cast<double>(a.size());
}

}  // namespace nibble::quant
