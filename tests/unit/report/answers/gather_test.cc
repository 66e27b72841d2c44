#include "report/answers/gather.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "answer_store.h"
#include "report/data.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GatheredAnswers : public ::testing::Test {
 protected:
  nibble::testing::TempFolder folder_;
  store::Store store_ = answer_store(folder_ / "s.db");
};

TEST_F(GatheredAnswers, AreOfTheSingleQuestions) {
  const Data data = gather(store_);
  EXPECT_THAT(data.answers.length_tasks, ElementsAre(1, 0));
  EXPECT_EQ(data.answers.attention_task, 1U);
  ASSERT_EQ(data.answers.variants.size(), 5U);
  const AnswerEffects& reference = data.effects_of(data.variants[0]);
  ASSERT_TRUE(reference.length.value);
  EXPECT_NEAR(reference.length.value->own.slope.value, -0.375 / 1.536, 1e-12);
  EXPECT_FALSE(reference.length.value->extra);
  const AnswerEffects& small = data.effects_of(data.variants[1]);
  ASSERT_TRUE(small.length.value && small.length.value->extra);
  EXPECT_NEAR(small.length.value->extra->slope.value, -0.375 / 1.536, 1e-12);
  ASSERT_TRUE(small.attention.value && small.attention.value->rank_f1_change);
  EXPECT_EQ(small.attention.value->median_rank, 1.5);
  EXPECT_NEAR(small.attention.value->rank_f1_change->value, 2, 1e-12);
  ASSERT_TRUE(small.drift.value);
  EXPECT_NEAR(small.drift.value->right.value, 0.6, 1e-12);
  EXPECT_NEAR(small.drift.value->wrong.value, 0.8, 1e-12);
}

TEST_F(GatheredAnswers, SayWhyTheyAreMissing) {
  const Data data = gather(store_);
  const AnswerEffects& effects = data.effects_of(data.variants[2]);
  EXPECT_EQ(effects.length.reason, "not run yet");
  EXPECT_EQ(effects.attention.reason, "not run yet");
  EXPECT_EQ(effects.drift.reason, "not run yet");
  EXPECT_EQ(effects.position.reason, "not part of the study");
  EXPECT_THAT(gather_scores(store_).answers.variants, IsEmpty());
}

}  // namespace
}  // namespace nibble::report
