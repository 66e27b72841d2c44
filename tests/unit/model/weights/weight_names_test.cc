#include "model/weights/weight_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::model {
namespace {

TEST(WeightNames, AreTakenApart) {
  const auto name = parse_canonical("model.layers.12.self_attn.q_proj.bias");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->layer, 12);
  EXPECT_EQ(name->stem, "self_attn.q_proj");
  EXPECT_EQ(name->kind, "bias");
  EXPECT_EQ(parse_canonical("model.norm.weight")->layer, -1);
  EXPECT_EQ(parse_canonical("model.norm.weight")->stem, "model.norm");
}

TEST(WeightNames, OtherFormsAreNone) {
  for (const char* name :
       {"weight", "model.layers.x.mlp.weight", "model.layers.3.weight", "model.layers.-1.a.b"}) {
    EXPECT_FALSE(parse_canonical(name)) << name;
  }
}

TEST(WeightNames, TranslateToGguf) {
  ModelConfig llama;
  EXPECT_EQ(gguf_name(llama, "model.embed_tokens.weight"), "token_embd.weight");
  EXPECT_EQ(gguf_name(llama, "lm_head.weight"), "output.weight");
  EXPECT_EQ(gguf_name(llama, "model.norm.weight"), "output_norm.weight");
  EXPECT_EQ(gguf_name(llama, "model.layers.3.self_attn.q_proj.weight"), "blk.3.attn_q.weight");
  EXPECT_EQ(gguf_name(llama, "model.layers.3.self_attn.k_proj.bias"), "blk.3.attn_k.bias");
  EXPECT_EQ(gguf_name(llama, "model.layers.0.post_attention_layernorm.weight"),
            "blk.0.ffn_norm.weight");
  EXPECT_EQ(gguf_name(llama, "model.layers.0.rotary.weight"), std::nullopt);
  EXPECT_EQ(gguf_name(llama, "visual.weight"), std::nullopt);
}

TEST(WeightNames, SandwichNormsMoveTheNameOfTheNormBehindAttention) {
  ModelConfig gemma;
  gemma.sandwich_norms = true;
  EXPECT_EQ(gguf_name(gemma, "model.layers.0.post_attention_layernorm.weight"),
            "blk.0.post_attention_norm.weight");
  EXPECT_EQ(gguf_name(gemma, "model.layers.0.pre_feedforward_layernorm.weight"),
            "blk.0.ffn_norm.weight");
  EXPECT_EQ(gguf_name(gemma, "model.layers.0.input_layernorm.weight"), "blk.0.attn_norm.weight");
}

TEST(WeightNames, FoldersMayHideTheDecoderBehindAPrefix) {
  EXPECT_THAT(hf_names("model.norm.weight"),
              ::testing::ElementsAre("model.norm.weight",
                                     "language_model.model.norm.weight",
                                     "model.language_model.norm.weight"));
  EXPECT_THAT(hf_names("lm_head.weight"),
              ::testing::ElementsAre("lm_head.weight", "language_model.lm_head.weight"));
}

}  // namespace
}  // namespace nibble::model
