#include "model/layers/attention_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/model/layers/block_run.h"

namespace nibble::model {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

/// One head of dimension 2 over a residual width of 2; values are x, the way out doubles them.
class AttentionBlockTest : public ::testing::Test {
 protected:
  AttentionBlockTest() {
    run_.config.architecture = "qwen2";
    run_.config.hidden = 2;
    run_.config.n_layers = 1;
    run_.config.n_heads = run_.config.n_kv_heads = 1;
    run_.config.head_dim = 2;
    run_.config.attention_scale = 1.0F;
    add("q_proj", {0, 0, 0, 0});
    add("k_proj", {0, 0, 0, 0});
    add("v_proj", {1, 0, 0, 1});
    add("o_proj", {2, 0, 0, 2});
  }
  void add(const std::string& name, const std::vector<float>& values) {
    run_.file.add("model.layers.0.self_attn." + name + ".weight", 2, 2, values);
  }
  std::vector<float> branch(const std::vector<float>& x, const std::vector<std::uint32_t>& wanted) {
    const AttentionBlock block(run_.config, run_.weights(), 0);
    return run_.branch(block, x, wanted);
  }

  testing::BlockRun run_;
  const std::vector<float> x_ = {1, 10, 3, 30, 8, 80};
};

TEST_F(AttentionBlockTest, WithoutScoresEachTokenTakesTheMeanOfThePast) {
  EXPECT_THAT(branch(x_, {0, 1, 2}), Pointwise(FloatNear(1e-5F), {2, 20, 4, 40, 8, 80}));
}

TEST_F(AttentionBlockTest, ASlidingLayerSeesItsWindowOnly) {
  run_.config.sliding_window = 2;
  run_.config.sliding_layers = {1};
  EXPECT_THAT(branch(x_, {0, 1, 2}), Pointwise(FloatNear(1e-5F), {2, 20, 4, 40, 11, 110}));
  run_.config.sliding_layers = {0};
  EXPECT_THAT(branch(x_, {2}), Pointwise(FloatNear(1e-5F), {8, 80}));
}

TEST_F(AttentionBlockTest, OnlyWantedRowsComeOutOfTheLastLayer) {
  EXPECT_THAT(branch(x_, {1}), Pointwise(FloatNear(1e-5F), {4, 40}));
  EXPECT_TRUE(branch(x_, {}).empty());
}

TEST_F(AttentionBlockTest, BiasesOfQueriesAndKeysAreRotatedLikeThem) {
  // q = k = (1, 0) everywhere: the score of two positions is cos of their distance (base 1).
  run_.config.qkv_bias = true;
  run_.config.rope_theta = 1.0F;
  run_.file.add("model.layers.0.self_attn.q_proj.bias", 1, 2, {1, 0});
  run_.file.add("model.layers.0.self_attn.k_proj.bias", 1, 2, {1, 0});
  run_.file.add("model.layers.0.self_attn.v_proj.bias", 1, 2, {0, 0});
  const double near = std::exp(1.0);
  const double far = std::exp(std::cos(1.0));
  const auto mean = static_cast<float>(2 * (far * 1 + near * 3) / (far + near));
  EXPECT_THAT(branch({1, 10, 3, 30}, {1}), Pointwise(FloatNear(1e-4F), {mean, 10 * mean}));
}

TEST_F(AttentionBlockTest, HeadNormsTakeTheLengthOutOfQueriesAndKeys) {
  // With q and k normalized to length sqrt(2), the lengths of x no longer matter for the scores.
  run_.config.qk_norm = true;
  run_.config.norm_epsilon = 0.0F;
  run_.config.rope_theta = 1.0F;
  add("q_proj", {1, 0, 0, 1});
  add("k_proj", {1, 0, 0, 1});
  run_.file.add("model.layers.0.self_attn.q_norm.weight", 1, 2, {1, 1});
  run_.file.add("model.layers.0.self_attn.k_norm.weight", 1, 2, {1, 1});
  const double near = std::exp(2.0);
  const double far = std::exp(2.0 * std::cos(1.0));
  const auto mean = static_cast<float>(2 * (far * 1 + near * 3) / (far + near));
  EXPECT_THAT(branch({1, 10, 3, 30}, {1}), Pointwise(FloatNear(1e-4F), {mean, 10 * mean}));
}

}  // namespace
}  // namespace nibble::model
