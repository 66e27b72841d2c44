#include "model/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "unit/model/fake_checkpoint.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

using ::testing::ElementsAre;
using testing::FakeCheckpoint;

TEST(Weights, AreAllThatAFolderHas) {
  for (const char* name : {"llama3-scaled", "mistral-window", "qwen2", "qwen3", "gemma3"}) {
    const auto folder = io::open_checkpoint(testing::tiny_folder(name)).take();
    const ModelConfig config = read_config(*folder).take();
    std::set<std::string> listed;
    for (const WeightInfo& weight : list_weights(config)) {
      EXPECT_TRUE(listed.insert(weight.name).second) << weight.name;
      const auto matrix = load_weight(*folder, config, weight.name);
      ASSERT_TRUE(matrix) << matrix.failure().message;
      EXPECT_EQ(matrix->rows, weight.rows) << weight.name;
      EXPECT_EQ(matrix->cols, weight.cols) << weight.name;
    }
    const auto names = folder->names();
    EXPECT_EQ(listed, std::set<std::string>(names.begin(), names.end())) << name;
  }
}

TEST(Weights, ComeInOrderOfUseWithTheirLayer) {
  ModelConfig config;
  config.architecture = "qwen2";
  config.n_layers = 1;
  config.qkv_bias = true;
  const auto weights = list_weights(config);
  EXPECT_EQ(weights.front().role, WeightRole::kEmbedding);
  EXPECT_EQ(weights.front().layer, -1);
  EXPECT_EQ(weights[2].name, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(weights[2].layer, 0);
  EXPECT_EQ(weights[3].name, "model.layers.0.self_attn.q_proj.bias");
  EXPECT_EQ(weights[3].role, WeightRole::kBias);
  EXPECT_EQ(weights.back().role, WeightRole::kHead);
}

TEST(Weights, RowsOfALlamaGgufComeBackInHalfSplitOrder) {
  FakeCheckpoint file(io::Container::kGguf, Json::object());
  ModelConfig config;
  config.architecture = "llama";
  config.n_heads = 2;
  config.n_kv_heads = 1;
  config.head_dim = 4;
  file.add("blk.0.attn_q.weight", 8, 1, {0, 1, 2, 3, 4, 5, 6, 7});
  file.add("blk.0.attn_k.weight", 4, 1, {0, 1, 2, 3});
  file.add("blk.0.attn_v.weight", 4, 1, {0, 1, 2, 3});
  const auto values = [&](const ModelConfig& c, const char* name) {
    return codec::decode_all(load_weight(file, c, name).take());
  };
  EXPECT_THAT(values(config, "model.layers.0.self_attn.q_proj.weight"),
              ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(values(config, "model.layers.0.self_attn.k_proj.weight"), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(values(config, "model.layers.0.self_attn.v_proj.weight"), ElementsAre(0, 1, 2, 3));
  const auto k = load_weight(file, config, "model.layers.0.self_attn.k_proj.weight").take();
  EXPECT_THAT(
      codec::decode_all(as_gguf_weight(config, "model.layers.0.self_attn.k_proj.weight", k).take()),
      ElementsAre(0, 1, 2, 3));
  config.architecture = "qwen2";  // its files keep the order
  EXPECT_THAT(values(config, "model.layers.0.self_attn.k_proj.weight"), ElementsAre(0, 1, 2, 3));
}

TEST(Weights, NormsAreTheMultiplierThatIsApplied) {
  ModelConfig gemma;
  gemma.architecture = "gemma3";
  gemma.sandwich_norms = true;
  const std::string name = "model.layers.0.self_attn.q_norm.weight";
  FakeCheckpoint folder(io::Container::kHuggingFace, Json::object());
  folder.add(name, 1, 2, {0.0F, 0.5F});
  const auto applied = load_weight(folder, gemma, name).take();
  EXPECT_THAT(codec::decode_all(applied), ElementsAre(1.0F, 1.5F));
  EXPECT_THAT(codec::decode_all(as_hf_weight(gemma, name, applied)), ElementsAre(0.0F, 0.5F));
  EXPECT_THAT(codec::decode_all(load_hf_weight(folder, gemma, name).take()),
              ElementsAre(0.0F, 0.5F));

  FakeCheckpoint gguf(io::Container::kGguf, Json::object());
  gguf.add("blk.0.attn_q_norm.weight", 1, 2, {1.0F, 1.5F});
  EXPECT_THAT(codec::decode_all(load_weight(gguf, gemma, name).take()), ElementsAre(1.0F, 1.5F));
  EXPECT_THAT(codec::decode_all(load_hf_weight(gguf, gemma, name).take()), ElementsAre(0.0F, 0.5F));

  ModelConfig llama;
  llama.architecture = "llama";
  folder.add("model.norm.weight", 1, 2, {0.0F, 0.5F});
  EXPECT_THAT(codec::decode_all(load_weight(folder, llama, "model.norm.weight").take()),
              ElementsAre(0.0F, 0.5F));
}

TEST(Weights, AreFoundBehindTheDecoderPrefixOfAMultimodalFolder) {
  FakeCheckpoint folder(io::Container::kHuggingFace, Json::object());
  folder.add("language_model.model.norm.weight", 1, 1, {2.0F});
  ModelConfig llama;
  llama.architecture = "llama";
  EXPECT_THAT(codec::decode_all(load_weight(folder, llama, "model.norm.weight").take()),
              ElementsAre(2.0F));
}

TEST(Weights, WhatIsMissingOrMisshapenIsNamedTwice) {
  FakeCheckpoint file(io::Container::kGguf, Json::object());
  ModelConfig config;
  config.architecture = "llama";
  config.n_heads = config.n_kv_heads = 1;
  config.head_dim = 2;
  const auto missing = load_weight(file, config, "model.norm.weight");
  EXPECT_EQ(missing.failure().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.failure().message,
            "model.norm.weight (stored as output_norm.weight): no tensor 'output_norm.weight'");
  file.add("blk.0.attn_q.weight", 3, 1, {0, 1, 2});
  const auto misshapen = load_weight(file, config, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(misshapen.failure().code, ErrorCode::kShapeMismatch);
  EXPECT_EQ(misshapen.failure().message,
            "model.layers.0.self_attn.q_proj.weight: expected 2 rows, found 3");
}

}  // namespace
}  // namespace nibble::model
