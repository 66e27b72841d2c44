#include "model/config/gguf_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/files.h"
#include "unit/model/fake_checkpoint.h"

namespace nibble::model {
namespace {

using testing::FakeCheckpoint;

FakeCheckpoint base(const std::string& name) {
  FakeCheckpoint file(io::Container::kGguf,
                      {{"general.architecture", name},
                       {"general.name", "a model"},
                       {name + ".embedding_length", 8},
                       {name + ".feed_forward_length", 16},
                       {name + ".block_count", 12},
                       {name + ".attention.head_count", 2},
                       {name + ".context_length", 512},
                       {name + ".attention.layer_norm_rms_epsilon", 1e-6}});
  file.add("token_embd.weight", 5, 8, std::vector<float>(40));
  return file;
}

std::string message(const FakeCheckpoint& file, ErrorCode code) {
  const auto result = read_gguf_config(file);
  if (result) {
    return "(read)";
  }
  EXPECT_EQ(result.failure().code, code) << result.failure().message;
  return result.failure().message;
}

TEST(GgufConfig, ReadsALlama) {
  const ModelConfig config = read_gguf_config(base("llama")).take();
  EXPECT_EQ(config.name, "a model");
  EXPECT_EQ(config.vocab, 5U);
  EXPECT_EQ(config.n_layers, 12U);
  EXPECT_EQ(config.n_kv_heads, 2U);
  EXPECT_EQ(config.head_dim, 4U);
  EXPECT_TRUE(config.tied_embeddings);
  EXPECT_EQ(config.attention_scale, 0.5F);
  EXPECT_EQ(config.rope_theta, 10000.0F);
}

TEST(GgufConfig, AnOutputMatrixUntiesTheEmbeddings) {
  FakeCheckpoint file = base("qwen2");
  file.add("output.weight", 5, 8, std::vector<float>(40));
  const ModelConfig config = read_gguf_config(file).take();
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_TRUE(config.qkv_bias);
}

TEST(GgufConfig, ReadsRopeFactorsAndLinearScaling) {
  FakeCheckpoint file = base("llama");
  file.edit()["llama.rope.scaling.type"] = "linear";
  file.edit()["llama.rope.scaling.factor"] = 4.0;
  EXPECT_EQ(read_gguf_config(file).take().rope_scaling.factor, 4.0F);
  file.add("rope_freqs.weight", 1, 2, {1.0F, 8.0F});
  const ModelConfig config = read_gguf_config(file).take();
  EXPECT_EQ(config.rope_scaling.kind, ops::RopeScaling::Kind::kFactors);
  EXPECT_THAT(config.rope_scaling.factors, ::testing::ElementsAre(1.0F, 8.0F));
  file.add("rope_freqs.weight", 1, 3, {1.0F, 8.0F, 8.0F});
  EXPECT_EQ(message(file, ErrorCode::kCorruptData), "fake: 3 RoPE factors for 2 pairs of a head");
}

TEST(GgufConfig, Gemma3SeesEverythingInEverySixthLayer) {
  FakeCheckpoint file = base("gemma3");
  file.edit()["gemma3.attention.sliding_window"] = 128;
  const ModelConfig config = read_gguf_config(file).take();
  EXPECT_EQ(config.sliding_window, 128U);
  EXPECT_THAT(config.sliding_layers, ::testing::ElementsAre(1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0));
  EXPECT_EQ(config.rope_local_theta, 10000.0F);
  EXPECT_EQ(config.embedding_scale, std::sqrt(8.0F));
}

TEST(GgufConfig, Gemma3With62LayersScalesByItsWidth) {
  FakeCheckpoint file = base("gemma3");
  file.edit()["gemma3.block_count"] = 62;
  file.edit()["gemma3.embedding_length"] = 32;
  file.edit()["gemma3.attention.key_length"] = 4;
  EXPECT_EQ(read_gguf_config(file).take().attention_scale, 0.25F);  // 1 / sqrt(32 / 2)
}

TEST(GgufConfig, CountsStoredForEachLayerMustAgree) {
  FakeCheckpoint file = base("llama");
  file.edit()["llama.attention.head_count_kv"] = std::vector<std::uint64_t>(12, 1);
  EXPECT_EQ(read_gguf_config(file).take().n_kv_heads, 1U);
  file.edit()["llama.attention.head_count_kv"][3] = std::uint64_t{2};
  EXPECT_THAT(message(file, ErrorCode::kUnsupported),
              ::testing::HasSubstr("'llama.attention.head_count_kv': layers that differ"));
  file.edit()["llama.attention.head_count_kv"] = std::vector<std::uint64_t>(12, 0);
  EXPECT_THAT(message(file, ErrorCode::kCorruptData), ::testing::HasSubstr("head_count_kv"));
}

TEST(GgufConfig, NamesWhatIsMissingOrUnknown) {
  EXPECT_EQ(message(base("mamba"), ErrorCode::kUnsupported),
            "fake: architecture 'mamba' is not supported; llama, qwen2, qwen3, gemma3 are");
  FakeCheckpoint file = base("llama");
  file.edit().erase("llama.block_count");
  EXPECT_EQ(message(file, ErrorCode::kCorruptData),
            "fake: 'llama.block_count': missing, wanted a positive integer");
  const FakeCheckpoint empty(io::Container::kGguf, base("llama").metadata());
  EXPECT_EQ(message(empty, ErrorCode::kNotFound), "no tensor 'token_embd.weight'");
}

TEST(GgufConfig, RefusesWhatWouldChangeTheFunction) {
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, Json>>{{"llama.expert_count", 8},
                                                 {"llama.rope.dimension_count", 2},
                                                 {"llama.attention.value_length", 2},
                                                 {"llama.rope.scaling.type", "yarn"}}) {
    FakeCheckpoint file = base("llama");
    file.edit()[key] = value;
    EXPECT_THAT(message(file, ErrorCode::kUnsupported), ::testing::HasSubstr(key));
  }
}

TEST(GgufConfig, ReadsTheDemoModel) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  const auto file = io::open_checkpoint(path).take();
  const ModelConfig config = read_gguf_config(*file).take();
  EXPECT_EQ(config.hidden, 576U);
  EXPECT_EQ(config.n_layers, 30U);
  EXPECT_EQ(config.n_heads, 9U);
  EXPECT_EQ(config.n_kv_heads, 3U);
  EXPECT_EQ(config.head_dim, 64U);
  EXPECT_EQ(config.vocab, 49152U);
  EXPECT_EQ(config.rope_theta, 1e5F);
  EXPECT_EQ(config.n_parameters(), 134515008U);
}

}  // namespace
}  // namespace nibble::model
