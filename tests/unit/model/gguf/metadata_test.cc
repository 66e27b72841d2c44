#include "model/gguf/metadata.h"

#include <gmock/gmock.h>

#include <cmath>

#include "model/companions.h"
#include "model/load.h"
#include "support/files.h"
#include "text/tokenizer_spec.h"
#include "unit/model/fake_checkpoint.h"

namespace nibble::model {
namespace {

using ::testing::HasSubstr;

ModelConfig small_config() {
  ModelConfig config;
  config.architecture = "llama";
  config.vocab = 40;
  config.hidden = 64;
  config.intermediate = 96;
  config.n_layers = 2;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 16;
  config.context = 128;
  config.attention_scale = 0.25F;
  return config;
}

template <class T>
std::optional<T> value_of(const io::GgufPairs& pairs, std::string_view key) {
  for (const auto& [name, value] : pairs) {
    if (name == key && std::holds_alternative<T>(value)) {
      return std::get<T>(value);
    }
  }
  return std::nullopt;
}

TEST(GgufMetadata, KeysBearTheFamilysName) {
  const auto pairs = gguf_config_pairs(small_config());
  EXPECT_EQ(value_of<std::string>(pairs, "general.architecture"), "llama");
  EXPECT_EQ(value_of<std::uint32_t>(pairs, "llama.attention.head_count_kv"), 2U);
  EXPECT_EQ(value_of<float>(pairs, "llama.rope.freq_base"), 10000.0F);
  EXPECT_EQ(value_of<std::uint32_t>(pairs, "llama.attention.sliding_window"), std::nullopt);
}

TEST(GgufMetadata, WindowsAndLimitsAreNamed) {
  ModelConfig config = small_config();
  config.architecture = "gemma3";
  config.sliding_window = 32;
  config.sliding_layers = {1, 1};
  config.rope_local_theta = 10000.0F;
  config.final_softcap = 30.0F;
  const auto pairs = gguf_config_pairs(config);
  EXPECT_EQ(value_of<std::uint32_t>(pairs, "gemma3.attention.sliding_window"), 32U);
  EXPECT_EQ(value_of<float>(pairs, "gemma3.rope.freq_base_swa"), 10000.0F);
  EXPECT_EQ(value_of<float>(pairs, "gemma3.final_logit_softcapping"), 30.0F);
}

TEST(GgufMetadata, ScaledRotationsBecomeKeysOrFactors) {
  ModelConfig config = small_config();
  EXPECT_EQ(gguf_rope_factors(config), std::nullopt);
  config.rope_scaling.kind = ops::RopeScaling::Kind::kLinear;
  config.rope_scaling.factor = 8.0F;
  EXPECT_EQ(gguf_rope_factors(config), std::nullopt);
  EXPECT_EQ(value_of<float>(gguf_config_pairs(config), "llama.rope.scaling.factor"), 8.0F);

  config.rope_scaling.kind = ops::RopeScaling::Kind::kLlama3;
  config.rope_scaling.original_context = 8192;
  const auto factors = gguf_rope_factors(config);
  ASSERT_TRUE(factors);
  ASSERT_EQ(factors->size(), 8U);
  EXPECT_EQ(factors->front(), 1.0F);       // short waves stay
  EXPECT_FLOAT_EQ(factors->back(), 8.0F);  // long ones are divided
}

TEST(GgufMetadata, TokenizerOfARealModelComesBackAsItWas) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  const auto checkpoint = io::open_checkpoint(path).take();
  const auto config = read_config(*checkpoint).take();
  const auto pairs = gguf_tokenizer_pairs(*checkpoint, config).take();
  EXPECT_EQ(value_of<std::string>(pairs, "tokenizer.ggml.pre"), "smollm");
  const auto tokens = value_of<std::vector<std::string>>(pairs, "tokenizer.ggml.tokens");
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->size(), config.vocab);
  const auto spec = text::spec_from_gguf_metadata(checkpoint->metadata()).take();
  EXPECT_EQ(value_of<std::vector<std::string>>(pairs, "tokenizer.ggml.merges"), spec.merges);
  EXPECT_THAT(value_of<std::string>(pairs, "tokenizer.chat_template").value_or(""),
              HasSubstr("im_start"));
}

}  // namespace
}  // namespace nibble::model
