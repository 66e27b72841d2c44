#include "report/answers/pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "answer_store.h"

namespace nibble::report {
namespace {

using ::testing::ElementsAre;

TEST(Pictures, TheFunnelCountsWhatIsLeft) {
  const rag::AttentionRecord record = answer_attention(0, 0.6F);
  PictureMaker maker;
  maker.add({.question = "a", .own = &record, .is_attended = true, .is_right = true});
  maker.add({.question = "b", .own = &record, .is_attended = true});
  maker.add({.question = "c", .own = &record, .is_right = true});
  maker.add({.question = "d", .is_right = true});
  const Funnel funnel = maker.take().funnel;
  EXPECT_EQ(funnel.asked, 4U);
  EXPECT_EQ(funnel.retrieved, 3U);
  EXPECT_EQ(funnel.attended, 2U);
  EXPECT_EQ(funnel.answered, 1U);
  EXPECT_EQ(funnel.right, 3U);
}

TEST(Pictures, SharesOfTheRightDocumentByLayerAndDepth) {
  const rag::AttentionRecord first = answer_attention(0, 0.6F);
  const rag::AttentionRecord other = answer_attention(0, 0.1F);
  rag::AttentionRecord third = answer_attention(2, 0.1F);
  std::ranges::fill(third.last, std::numeric_limits<float>::quiet_NaN());
  PictureMaker maker;
  for (const rag::AttentionRecord* record :
       std::initializer_list<const rag::AttentionRecord*>{&first, &other, &third}) {
    maker.add({.question = "a", .own = record});
  }
  const GoldShares gold = maker.take().gold;
  EXPECT_EQ(gold.n_layers, 1U);
  EXPECT_THAT(gold.n, ElementsAre(2, 0, 1, 0, 0));
  ASSERT_EQ(gold.shares.size(), kDepths);
  EXPECT_NEAR(gold.shares[0], (0.7 / 1.5 + 0.2 / 1.0) / 2, 1e-6) << "both heads together";
  EXPECT_TRUE(std::isnan(gold.shares[1])) << "nothing was asked there";
  EXPECT_TRUE(std::isnan(gold.shares[2])) << "the layer does not see all documents";
}

TEST(Pictures, LikenessIsAMeanOverQuestions) {
  const rag::AttentionRecord reference = answer_attention(0, 0.6F);
  rag::AttentionRecord variant = answer_attention(0, 0.6F);
  variant.sinks = {0.5F};
  const rag::AttentionRecord turned = answer_attention(0, 0.05F);
  PictureMaker maker;
  maker.add({.question = "a", .own = &variant, .reference = &reference});
  maker.add({.question = "a", .own = &turned, .reference = &reference});
  maker.add({.question = "b", .own = &reference, .reference = &reference});
  const auto likeness = maker.take().likeness;
  ASSERT_TRUE(likeness);
  // Of the turned one head 0 looks at four others most, head 1 agrees in all five.
  EXPECT_NEAR(likeness->agreement.value, ((1 + 0.5) / 2 + 1) / 2, 1e-12);
  EXPECT_EQ(likeness->agreement.n, 2U);
  EXPECT_GT(likeness->divergence.value, 0);
  EXPECT_NEAR(likeness->sink_change.value, 0.125 / 2, 1e-7);
  EXPECT_EQ(likeness->divergence_of_layers.size(), 1U);
  PictureMaker alone;
  alone.add({.question = "a", .own = &reference});
  EXPECT_FALSE(alone.take().likeness);
}

}  // namespace
}  // namespace nibble::report
