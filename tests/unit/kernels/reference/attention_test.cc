#include "kernels/reference/attention.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>

namespace nibble::kernels::reference {
namespace {

/// One head of two dimensions; keys (1,0), (0,1); values (1,0), (0,1); in pages of one token.
class Attention : public ::testing::Test {
 protected:
  float keys_[4] = {1, 0, 0, 1};
  float values_[4] = {1, 0, 0, 1};
  KvPage pages_[2] = {{keys_, values_}, {keys_ + 2, values_ + 2}};
  float q_[4] = {0, 0, 0, std::log(3.0F)};
  float out_[4] = {};

  [[nodiscard]] AttentionTask task() {
    AttentionTask task;
    task.q = q_;
    task.out = out_;
    task.q_stride = task.out_stride = task.head_dim = 2;
    task.n_queries = 2;
    task.n_heads = task.page_tokens = 1;
    task.pages = pages_;
    return task;
  }
};

TEST_F(Attention, WeighsTheKeysUpToThePosition) {
  kAttention.f32(task());
  EXPECT_EQ(out_[0], 1.0F);  // the first query sees only the first key
  EXPECT_EQ(out_[1], 0.0F);
  EXPECT_FLOAT_EQ(out_[2], 0.25F);  // scores 0 and log 3
  EXPECT_FLOAT_EQ(out_[3], 0.75F);
}

TEST_F(Attention, WindowOfOneSeesOnlyItself) {
  AttentionTask one = task();
  one.window = 1;
  kAttention.f32(one);
  EXPECT_THAT(out_, ::testing::ElementsAre(1, 0, 0, 1));
}

TEST_F(Attention, SoftcapBoundsTheScore) {
  AttentionTask capped = task();
  capped.softcap = 0.5F;
  kAttention.f32(capped);
  const double score = 0.5 * std::tanh(std::log(3.0) / 0.5);
  EXPECT_NEAR(out_[3], std::exp(score) / (1.0 + std::exp(score)), 1e-7);
}

TEST(ReferenceToF16, RoundsToNearestEven) {
  const float x[3] = {1.0F, 65520.0F, 1.0F + 0x1p-11F};
  std::uint16_t y[3];
  kAttention.to_f16(x, y, 3);
  EXPECT_THAT(y, ::testing::ElementsAre(0x3C00, 0x7C00, 0x3C00));
}

}  // namespace
}  // namespace nibble::kernels::reference
