#include "study/sample_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/study/fakes.h"

namespace nibble::study {
namespace {

TEST(SampleRecord, KeepsAllThatATaskSaid) {
  eval::SampleResult result{{}, "yes", 3, true};
  result.scores["acc"] = eval::Contribution{1, 1};
  result.scores["f1"] = std::nullopt;
  result.flags = {eval::Flag::kDoubleBos};
  result.chance = 0.5;
  result.responses = std::string("[[-1.5,true]]");
  const store::SampleRecord record = sample_record(FakeTask("a", 4).sample(2), result);
  EXPECT_EQ(record.index, 2U);
  EXPECT_EQ(record.sample_id, "a-2");
  EXPECT_EQ(record.answer, "yes");
  EXPECT_EQ(record.n_cut_tokens, 3U);
  EXPECT_TRUE(record.hit_limit);
  EXPECT_THAT(record.flags, ::testing::ElementsAre("double BOS"));
  EXPECT_EQ(record.chance, 0.5);
  EXPECT_EQ(record.responses, "[[-1.5,true]]");
  const eval::SampleScores back = scores_of(record);
  EXPECT_EQ(back.at("acc")->sum, 1.0);
  EXPECT_FALSE(back.at("f1"));
}

TEST(TaskRecord, IdNamesEverythingThatShapesTheScores) {
  const auto id = [](const eval::Task& task) { return task_record(task).id; };
  const std::string base = id(FakeTask("a", 4));
  EXPECT_EQ(base, id(FakeTask("a", 4)));
  EXPECT_NE(base, id(FakeTask("b", 4)));
  EXPECT_NE(base, id(FakeTask("a", 5)));
  EXPECT_NE(base, id(FakeTask("a", 4, "other data")));
  EXPECT_NE(base, id(FakeTask("a", 4, "data", "asks otherwise")));
}

}  // namespace
}  // namespace nibble::study
