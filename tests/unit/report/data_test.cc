#include "report/data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/tables.h"
#include "small_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;

class DataTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  store::Store store_ = small_store(folder_ / "s.db");
  Data data_ = gather(store_);
};

TEST_F(DataTest, VariantsAndTasksStandInTheOrderOfThePlan) {
  EXPECT_EQ(data_.name, "Mills & <millers>");
  ASSERT_EQ(data_.variants.size(), 4U);
  EXPECT_TRUE(data_.variants[0].is_reference);
  EXPECT_EQ(data_.variants[1].record.name, "int4");
  ASSERT_EQ(data_.tasks.size(), 2U);
  EXPECT_EQ(data_.tasks[1].name, "choice_50%");
}

TEST_F(DataTest, FamiliesShareASlot) {
  EXPECT_EQ(data_.variants[0].slot, 0U);
  EXPECT_EQ(data_.variants[1].family, "rtn");
  EXPECT_EQ(data_.variants[2].family, "nf4");
  EXPECT_EQ(data_.variants[3].family, "hqq");
  EXPECT_EQ(data_.variants[3].slot, 3U);
  store::Plan plan = small_plan();
  plan.variants[3].recipe_name = "my/own/rtn-int2.toml";
  store_.replace_plan(plan);
  EXPECT_EQ(gather(store_).variants[3].slot, 1U);
}

TEST_F(DataTest, EachMissingNumberSaysWhy) {
  EXPECT_EQ(data_.variants[2].outcomes[1].metrics[0].reason, "2 of 4 samples so far");
  EXPECT_EQ(data_.variants[2].outcomes[0].metrics[0].reason, "not run yet");
  EXPECT_EQ(data_.variants[3].outcomes[1].metrics[0].reason,
            "failed: group 96 does not divide 576 columns");
  EXPECT_EQ(data_.variants[3].file_bytes().reason, "not built yet");
  EXPECT_EQ(data_.variants[1].measured("peak_memory").reason, "the kernel does not reset the mark");
  EXPECT_EQ(data_.variants[2].measured("decode").reason, "not run yet");
  EXPECT_FALSE(data_.variants[2].measured("decode").value);
}

TEST_F(DataTest, FlagsStandInTheTableOfScores) {
  store::SampleRecord doubtful = small_sample(2, "acc", store::ScoreRecord::Ratio{0, 1});
  doubtful.flags = {"equal options"};
  doubtful.chance = 0.5;
  store_.add_samples("v2/t1", std::vector{doubtful});
  store_.replace_summaries(
      std::vector<store::SummaryRecord>{{"v2/t1", "acc", 3, 0, 0.5, 0.2, 0.8, {}}});
  const Data data = gather(store_);
  EXPECT_EQ(data.variants[2].outcomes[1].doubts.flags.at("equal options"), 1U);
  bool is_shown = false;
  const Table table = quality_table(data);
  for (const auto& row : table.rows) {
    is_shown = is_shown || row.back().text == "equal options 1, at chance";
  }
  EXPECT_TRUE(is_shown);
}

TEST_F(DataTest, NoAnswerAtAllIsNoValue) {
  store_.replace_summaries(
      std::vector<store::SummaryRecord>{{"v0/t1", "acc", 0, 4, {}, {}, {}, {}}});
  const auto known = gather(store_).variants[0].outcomes[1].metrics[0];
  EXPECT_FALSE(known.value);
  EXPECT_EQ(known.reason, "none of 4 answered");
}

TEST_F(DataTest, RepetitionsBecomeMedianAndSpread) {
  const Spread decode = data_.variants[0].measured("decode").value.value();
  EXPECT_EQ(decode.n, 3U);
  EXPECT_DOUBLE_EQ(decode.median, 5.25);
  EXPECT_DOUBLE_EQ(decode.min, 5);
  EXPECT_DOUBLE_EQ(decode.max, 6);
  store_.add_measurements(
      "v2/",
      std::vector<store::MeasurementRecord>{{"decode", "ms/token", 0, 4.0, ""},
                                            {"decode", "ms/token", 1, 7.0, ""}});
  EXPECT_DOUBLE_EQ(gather(store_).variants[2].measured("decode").value->median, 5.5);
}

TEST_F(DataTest, UnitsDoneAreCounted) {
  EXPECT_EQ(data_.n_units, 12U);
  EXPECT_EQ(data_.n_units_done, 6U);  // both tasks and the measurement of two variants
}

TEST_F(DataTest, WrongAnswersThatTheReferenceHadRightComeFirst) {
  const auto& examples = data_.variants[1].outcomes[1].examples;
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_EQ(examples[0].sample.index, 0U);
  EXPECT_TRUE(examples[0].reference_was_right);
  EXPECT_EQ(examples[0].reference_answer, "Oda & son");
  EXPECT_EQ(examples[1].sample.index, 2U);
  EXPECT_FALSE(examples[1].reference_was_right);
  EXPECT_TRUE(data_.variants[1].outcomes[0].examples.empty());  // perplexity is never wrong
  ASSERT_EQ(data_.variants[0].outcomes[1].examples.size(), 1U);
  EXPECT_EQ(data_.variants[0].outcomes[1].examples[0].reference_answer, "");
}

}  // namespace
}  // namespace nibble::report
