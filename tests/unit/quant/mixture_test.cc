#include "quant/mixture.h"

#include <gmock/gmock.h>

#include "quant/recipe.h"

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

model::ModelConfig config_of(std::size_t hidden) {
  model::ModelConfig config;
  config.architecture = "llama";
  config.vocab = 512;
  config.hidden = hidden;
  config.intermediate = 2 * hidden;
  config.n_layers = 16;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = hidden / 4;
  return config;
}

std::string codec_of(std::string_view mixture,
                     const model::ModelConfig& config,
                     std::string_view weight) {
  for (const model::WeightInfo& info : model::list_weights(config)) {
    if (info.name == weight) {
      const auto codec = mixture_codec(*find_mixture(mixture).take(), config, info);
      return codec == nullptr ? "keep" : codec->name();
    }
  }
  return "no such weight";
}

std::string in_layer(std::string_view mixture, std::size_t layer, std::string_view stem) {
  return codec_of(mixture, config_of(256), fmt::format("model.layers.{}.{}.weight", layer, stem));
}

TEST(Mixture, TheSensitiveLayersOfQ4KMGetSixBits) {
  std::vector<std::size_t> six;
  for (std::size_t layer = 0; layer < 16; ++layer) {
    if (in_layer("q4_k_m", layer, "mlp.down_proj") == "q6_k") {
      six.push_back(layer);
    }
    EXPECT_EQ(in_layer("q4_k_m", layer, "mlp.down_proj"),
              in_layer("q4_k_m", layer, "self_attn.v_proj"));
    EXPECT_EQ(in_layer("q4_k_m", layer, "self_attn.q_proj"), "q4_k");
  }
  EXPECT_THAT(six, ElementsAre(0, 1, 4, 7, 10, 13, 14, 15));
}

TEST(Mixture, EachHasItsOwnExceptions) {
  EXPECT_EQ(in_layer("q2_k", 5, "self_attn.o_proj"), "q3_k");
  EXPECT_EQ(in_layer("q2_k", 5, "self_attn.v_proj"), "q3_k");
  EXPECT_EQ(in_layer("q2_k", 5, "mlp.up_proj"), "q2_k");
  EXPECT_EQ(in_layer("q3_k_m", 1, "self_attn.v_proj"), "q5_k");
  EXPECT_EQ(in_layer("q3_k_m", 2, "self_attn.v_proj"), "q4_k");
  EXPECT_EQ(in_layer("q3_k_m", 0, "mlp.down_proj"), "q5_k");
  EXPECT_EQ(in_layer("q3_k_m", 1, "mlp.down_proj"), "q4_k");
  EXPECT_EQ(in_layer("iq4_nl", 1, "mlp.down_proj"), "q5_k");
  EXPECT_EQ(in_layer("iq4_nl", 2, "mlp.down_proj"), "iq4_nl");
  EXPECT_EQ(in_layer("q8_0", 0, "mlp.down_proj"), "q8_0");
}

TEST(Mixture, ManyQueriesToAKeyMakeItsValueDear) {
  auto config = config_of(256);
  config.n_kv_heads = 1;
  EXPECT_EQ(codec_of("q2_k", config, "model.layers.3.self_attn.v_proj.weight"), "q4_k");
  EXPECT_EQ(codec_of("iq4_nl", config, "model.layers.3.self_attn.v_proj.weight"), "q5_k");
}

TEST(Mixture, HeadGetsSixBitsAndATiedEmbeddingIsOne) {
  auto config = config_of(256);
  EXPECT_EQ(codec_of("q4_k_m", config, "lm_head.weight"), "q6_k");
  EXPECT_EQ(codec_of("q4_k_m", config, "model.embed_tokens.weight"), "q4_k");
  EXPECT_EQ(codec_of("q8_0", config, "lm_head.weight"), "q8_0");
  config.tied_embeddings = true;
  EXPECT_EQ(codec_of("q4_k_m", config, "model.embed_tokens.weight"), "q6_k");
}

TEST(Mixture, RowsThatNoLargeBlockDividesGetSmallOnes) {
  const auto config = config_of(576);
  const std::string_view up = "model.layers.3.mlp.up_proj.weight";
  EXPECT_EQ(codec_of("q4_k_m", config, up), "q5_0");
  EXPECT_EQ(codec_of("q5_k_m", config, up), "q5_1");
  EXPECT_EQ(codec_of("q6_k", config, up), "q8_0");
  EXPECT_EQ(codec_of("q2_k", config, up), "q4_0");
  EXPECT_EQ(codec_of("q3_k_m", config, up), "q4_0");
  EXPECT_EQ(codec_of("q4_0", config, up), "q4_0");
  EXPECT_EQ(codec_of("q4_k_m", config, "lm_head.weight"), "q8_0");
  EXPECT_EQ(codec_of("q4_0", config, "lm_head.weight"), "q8_0");
  EXPECT_EQ(codec_of("q4_0", config_of(40), up), "keep");
}

TEST(Mixture, LlamaWithEightyLayersSparesNoBitsOnV) {
  auto config = config_of(256);
  config.n_layers = 80;
  EXPECT_EQ(codec_of("q4_k_m", config, "model.layers.11.self_attn.v_proj.weight"), "q5_k");
  config.architecture = "qwen3";
  EXPECT_EQ(codec_of("q4_k_m", config, "model.layers.11.self_attn.v_proj.weight"), "q4_k");
}

TEST(Mixture, RecipesNameIt) {
  const auto recipe = load_recipe("gguf-q4_k_m").take();
  EXPECT_EQ(recipe.stages.front().scheme.mixture->name, "q4_k_m");
  EXPECT_THAT(recipe.text, HasSubstr("scheme = { mixture = \"q4_k_m\" }"));
  EXPECT_EQ(parse_recipe("name = \"again\"\n" + recipe.text, "again").take().hash, recipe.hash);

  const auto parse = [](std::string_view method, std::string_view scheme) {
    return parse_recipe(
        fmt::format("name = \"x\"\n[[stage]]\nsolve = \"{}\"\nscheme = {{ {} }}\n", method, scheme),
        "x");
  };
  EXPECT_THAT(parse("gguf", "mixture = \"q4_k_n\"").failure().message,
              HasSubstr("unknown mixture 'q4_k_n' (did you mean 'q4_k_m'?)"));
  EXPECT_THAT(parse("nearest", "mixture = \"q4_k_m\"").failure().message,
              HasSubstr("method 'nearest' cannot write codec 'q4_k'"));
  EXPECT_THAT(parse("gguf", "mixture = \"q4_k_m\", default = \"q4_0\"").failure().message,
              HasSubstr("a mixture stands in its place"));
}

}  // namespace
}  // namespace nibble::quant
