#include "report/answers/gather_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "answer_store.h"
#include "report/data.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GatheredGroups : public ::testing::Test {
 protected:
  nibble::testing::TempFolder folder_;
  store::Store store_ = answer_store(folder_ / "s.db");
};

TEST_F(GatheredGroups, HaveThePicturesOfTheirTasksWithAttention) {
  const std::vector<AnswerGroup> groups = gather_groups(store_, gather_scores(store_));
  ASSERT_EQ(groups.size(), 1U);
  const AnswerGroup& group = groups.front();
  EXPECT_EQ(group.name, "squad");
  EXPECT_THAT(group.by_length, ElementsAre(1, 0));
  EXPECT_THAT(group.by_position, IsEmpty());
  EXPECT_THAT(group.with_attention, ElementsAre(1));
  ASSERT_EQ(group.pictures.size(), 5U);
  ASSERT_TRUE(group.pictures[0].value);
  EXPECT_EQ(group.pictures[0].value->funnel.asked, kQuestions);
  EXPECT_EQ(group.pictures[0].value->funnel.answered, 4U) << "even ones are attended and right";
  EXPECT_FALSE(group.pictures[0].value->likeness);
  ASSERT_TRUE(group.pictures[1].value);
  EXPECT_EQ(group.pictures[1].value->funnel.answered, 0U) << "odd ones are attended and wrong";
  ASSERT_TRUE(group.pictures[1].value->likeness);
  EXPECT_EQ(group.pictures[1].value->likeness->agreement.n, kQuestions);
  EXPECT_EQ(group.pictures[2].reason, "not run yet");
}

TEST_F(GatheredGroups, KeepAFewQuestionsWhole) {
  add_answer(store_, "v2/s0", 0, {{"f1", 1}});
  const AnswerGroup group = gather_groups(store_, gather_scores(store_)).front();
  ASSERT_EQ(group.questions.size(), kMaxQuestionViews);
  const QuestionView& view = group.questions.front();
  EXPECT_EQ(view.id, "q0");
  ASSERT_EQ(view.answers.size(), 5U);
  ASSERT_TRUE(view.answers[1]);
  EXPECT_EQ(view.answers[1]->answer, "v1/s1 says <0>");
  EXPECT_FALSE(view.answers[2]) << "its task is not complete";
}

TEST_F(GatheredGroups, QuestionsWithOtherVerdictsComeFirst) {
  store::Plan plan = answer_plan();
  plan.tasks[1].id = "again";
  for (store::UnitRecord& unit : plan.units) {
    if (unit.task == "s1") {
      unit = {unit.variant + "/again", unit.variant, "again", ""};
    }
  }
  store_.replace_plan(plan);
  std::vector<store::SummaryRecord> summaries;
  for (const std::string variant : {"v0", "v1"}) {
    for (std::size_t i = 0; i < 3; ++i) {
      const bool is_right = variant == "v0" || i != 2;
      add_answer(store_, variant + "/again", i, {{"subspan_em", is_right ? 1 : 0}}, 0.6F);
    }
    summaries.push_back(answer_summary(variant + "/again", "f1", 1));
  }
  store_.replace_summaries(summaries);
  const AnswerGroup group = gather_groups(store_, gather_scores(store_)).front();
  ASSERT_EQ(group.questions.size(), 3U);
  EXPECT_EQ(group.questions[0].id, "q2");
  EXPECT_EQ(group.questions[1].id, "q0");
}

TEST_F(GatheredGroups, WithoutAttentionThereIsNothingToShow) {
  store::Plan plan = answer_plan();
  plan.tasks.pop_back();
  std::erase_if(plan.units, [](const store::UnitRecord& unit) { return unit.task == "s1"; });
  store_.replace_plan(plan);
  const AnswerGroup group = gather_groups(store_, gather_scores(store_)).front();
  EXPECT_THAT(group.pictures, IsEmpty());
  EXPECT_THAT(group.questions, IsEmpty());
}

}  // namespace
}  // namespace nibble::report
