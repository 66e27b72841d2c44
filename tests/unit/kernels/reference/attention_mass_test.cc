#include "kernels/reference/attention_mass.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

namespace nibble::kernels::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

std::vector<float> shares(std::vector<double> weights,
                          std::size_t first,
                          const std::vector<KeySpan>& spans) {
  std::vector<float> out(spans.size(), -1.0F);
  share_weights(weights, first, spans, out.data());
  return out;
}

TEST(AttentionMass, SpansShareTheWeightsOfTheirKeys) {
  // Keys 10 to 13.
  EXPECT_THAT(shares({1, 2, 3, 2}, 10, {{0, 11}, {11, 13}, {13, 14}}),
              ElementsAre(0.125, 0.625, 0.25));
}

TEST(AttentionMass, KeysThatAreNotSeenHaveNone) {
  EXPECT_THAT(shares({1, 3}, 10, {{0, 10}, {10, 10}, {11, 99}, {100, 200}}),
              ElementsAre(0, 0, 0.75, 0));
}

/// One head of two dimensions; keys (1,0), (0,1), (0,0); scores of the last query 0, log 3, 0.
TEST(AttentionMass, OfEachQueryOverPages) {
  float keys[6] = {1, 0, 0, 1, 0, 0};
  KvPage pages[2] = {{keys, nullptr}, {keys + 4, nullptr}};
  const float q[6] = {0, 0, 0, 0, 0, std::log(3.0F)};
  float out[6];
  AttentionTask task;
  task.q = q;
  task.out = out;
  task.q_stride = task.head_dim = task.page_tokens = task.out_stride = 2;
  task.n_queries = 3;
  task.n_heads = 1;
  task.pages = pages;
  const std::vector<KeySpan> spans = {{0, 1}, {1, 9}};
  kMass.f32(task, spans);
  EXPECT_THAT(out, ElementsAre(1, 0, 0.5, 0.5, FloatEq(0.2F), FloatEq(0.8F)));
  task.window = 2;
  kMass.f32(task, spans);
  EXPECT_THAT(out, ElementsAre(1, 0, 0.5, 0.5, 0, 1));
}

}  // namespace
}  // namespace nibble::kernels::reference
