#include "report/answers/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "answer_store.h"
#include "report/page/budget.h"
#include "support/files.h"

namespace nibble::report {
namespace {

TEST(AnswersJson, HasWhatTheScriptDraws) {
  const nibble::testing::TempFolder folder;
  const Json groups = answers_json(gather(answer_store(folder / "s.db")));
  ASSERT_EQ(groups.size(), 1U);
  const Json& group = groups[0];
  EXPECT_EQ(group.at("lengths").dump(), R"([{"at":512,"task":1},{"at":2048,"task":0}])");
  EXPECT_TRUE(group.at("positions").empty());
  ASSERT_EQ(group.at("variants").size(), 5U);
  EXPECT_EQ(group["variants"][0]["gold"].size(), 1U);
  EXPECT_EQ(group["variants"][0]["gold"][0].size(), kDepths);
  EXPECT_EQ(group["variants"][0]["funnel"]["answered"], 4);
  EXPECT_TRUE(group["variants"][0]["divergence"].is_null()) << "of the reference itself";
  EXPECT_EQ(group["variants"][1]["divergence"].size(), 1U);
  EXPECT_TRUE(group["variants"][2].is_null());
  const Json& question = group.at("questions").at(0);
  EXPECT_EQ(question.at("passages").size(), 5U);
  EXPECT_TRUE(question["passages"][0]["gold"]);
  EXPECT_EQ(question.at("answers").size(), 5U);
  EXPECT_EQ(question["answers"][0]["shares"].size(), 5U);
  EXPECT_TRUE(question["answers"][2].is_null());
}

TEST(AnswersJson, OfVeryManyVariantsTheFirstHavePictures) {
  const nibble::testing::TempFolder folder;
  Data data = gather(answer_store(folder / "s.db"));
  AnswerGroup& group = data.answers.groups.at(0);
  group.pictures.resize(kPicturedVariants + 5);
  for (QuestionView& view : group.questions) {
    view.answers.resize(kPicturedVariants + 5);
  }
  const Json json = answers_json(data);
  EXPECT_EQ(json[0].at("variants").size(), kPicturedVariants);
  EXPECT_EQ(json[0].at("questions").at(0).at("answers").size(), kPicturedVariants);
}

TEST(AnswersJson, IsEmptyWithoutSuchTasks) {
  const nibble::testing::TempFolder folder;
  EXPECT_TRUE(answers_json(gather(advice_store(folder / "s.db"))).empty());
}

}  // namespace
}  // namespace nibble::report
