#include "quant/mixed/mixed_recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::quant {
namespace {

using ::testing::HasSubstr;

/// Two blocks of 800 weights: 2 bits are 200 bytes, 4 bits 400; the second block is sensitive.
Sensitivity two_blocks() {
  return {{"int2g64ah", "int4g64ah"},
          {{"model.layers.0.*", 800, {{200, 0.3}, {400, 0.1}}},
           {"model.layers.1.*", 800, {{200, 5.0}, {400, 0.2}}}},
          "nearest",
          "job"};
}

TEST(MixedRecipe, GivesTheSensitiveBlockMoreBits) {
  const Recipe base = load_recipe("rtn-int4").take();
  const MixedRecipe mixed = mixed_recipe(base, two_blocks(), 3).take();
  EXPECT_DOUBLE_EQ(mixed.bits_per_weight, 3);
  EXPECT_DOUBLE_EQ(mixed.allocation.loss, 0.5);
  EXPECT_DOUBLE_EQ(mixed.uniform_losses[0], 5.3);
  EXPECT_DOUBLE_EQ(mixed.uniform_bits[1], 4);
  const Scheme& scheme = mixed.recipe.stages.front().scheme;
  EXPECT_EQ(scheme.match("model.layers.0.mlp.up_proj.weight")->codec->name(), "int2g64ah");
  EXPECT_EQ(scheme.match("model.layers.1.mlp.up_proj.weight")->codec->name(), "int4g64ah");
  EXPECT_EQ(scheme.match("model.layers.10.mlp.up_proj.weight"), nullptr);
  EXPECT_EQ(parse_recipe(mixed.text, "again")->hash, mixed.recipe.hash);
}

TEST(MixedRecipe, WhatTheBaseSaysOfSingleWeightsStillHolds) {
  const Recipe base =
      parse_recipe(
          "name = \"own\"\n[[stage]]\nsolve = \"nearest\"\n"
          "scheme = { \"model.layers.0.mlp.*\" = \"int8g64ah\", default = \"int4g64ah\" }\n",
          "own.toml")
          .take();
  const MixedRecipe mixed = mixed_recipe(base, two_blocks(), 2).take();
  const Scheme& scheme = mixed.recipe.stages.front().scheme;
  EXPECT_EQ(scheme.match("model.layers.0.mlp.up_proj.weight")->codec->name(), "int8g64ah");
  EXPECT_EQ(scheme.match("model.layers.0.self_attn.q_proj.weight")->codec->name(), "int2g64ah");
}

TEST(MixedRecipe, ABudgetBelowTheFewestBitsIsRefused) {
  const auto refused = mixed_recipe(load_recipe("rtn-int4").take(), two_blocks(), 1.5);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.failure().message, HasSubstr("1.5 bits per weight: a budget of 300 bytes"));
}

TEST(MixedText, ShowsUniformBitsBesideTheMixture) {
  const MixedRecipe mixed = mixed_recipe(load_recipe("rtn-int4").take(), two_blocks(), 3).take();
  const std::string text = mixed_text(mixed, two_blocks());
  EXPECT_THAT(text, HasSubstr("codes of single parts by nearest"));
  EXPECT_THAT(text, HasSubstr("int2g64ah             1        2.000       5.300000"));
  EXPECT_THAT(text, HasSubstr("mixed                 2        3.000       0.500000"));
}

}  // namespace
}  // namespace nibble::quant
