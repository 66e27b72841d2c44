#include "model/layers/mlp_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/model/layers/block_run.h"

namespace nibble::model {
namespace {

class MlpBlockTest : public ::testing::Test {
 protected:
  MlpBlockTest() {
    run_.config.architecture = "llama";
    run_.config.hidden = 1;
    run_.config.intermediate = 2;
    run_.config.n_layers = 1;
    run_.config.n_heads = run_.config.n_kv_heads = 1;
    run_.config.head_dim = 2;
    run_.file.add("model.layers.0.mlp.gate_proj.weight", 2, 1, {1, -1});
    run_.file.add("model.layers.0.mlp.up_proj.weight", 2, 1, {3, 5});
    run_.file.add("model.layers.0.mlp.down_proj.weight", 1, 2, {10, 100});
  }
  static float silu(float x) { return x / (1 + std::exp(-x)); }

  testing::BlockRun run_;
};

TEST_F(MlpBlockTest, GatesByHand) {
  const MlpBlock block(run_.config, run_.weights(), 0);
  const auto branch = run_.branch(block, {2, -1}, {0, 1});
  ASSERT_EQ(branch.size(), 2U);
  EXPECT_NEAR(branch[0], 10 * silu(2) * 6 + 100 * silu(-2) * 10, 1e-3F);
  EXPECT_NEAR(branch[1], 10 * silu(-1) * -3 + 100 * silu(1) * -5, 1e-3F);
  EXPECT_GE(block.packed_bytes(), 6 * sizeof(float));
}

TEST_F(MlpBlockTest, MoreRowsThanATileAreAllComputed) {
  const MlpBlock block(run_.config, run_.weights(), 0);
  std::vector<std::uint32_t> wanted(1025);
  std::vector<float> x(wanted.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    wanted[i] = static_cast<std::uint32_t>(i);
    x[i] = static_cast<float>(i % 7) - 3;
  }
  const auto branch = run_.branch(block, x, wanted);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float expected = 10 * silu(x[i]) * 3 * x[i] + 100 * silu(-x[i]) * 5 * x[i];
    ASSERT_NEAR(branch[i], expected, 2e-3F) << i;
  }
}

}  // namespace
}  // namespace nibble::model
