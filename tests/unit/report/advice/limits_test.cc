#include "report/advice/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "advice_store.h"
#include "base/error.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

class LimitsTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
  Data data_ = gather(store_);
};

TEST_F(LimitsTest, DefaultMarginsArePointsOfSharesAndPerCentOfOthers) {
  const auto tasks = counted_tasks({}, data_);
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_DOUBLE_EQ(tasks[0].margin, 0.02);
  EXPECT_EQ(tasks[0].text, "2 points");
  EXPECT_DOUBLE_EQ(tasks[1].margin, 1);  // 5 % of 20
  EXPECT_EQ(tasks[1].text, "5 % of the reference's perplexity");
}

TEST_F(LimitsTest, OwnMarginsBeatTheCommonOne) {
  Limits limits;
  limits.other_margin = Margin{10, true};
  limits.margins["pages"] = {0.25, false};
  const auto tasks = counted_tasks(limits, data_);
  EXPECT_DOUBLE_EQ(tasks[0].margin, 0.075);
  EXPECT_DOUBLE_EQ(tasks[1].margin, 0.25);
  EXPECT_EQ(tasks[1].text, "0.25 perplexity");
}

TEST_F(LimitsTest, NamedTasksAloneCount) {
  Limits limits;
  limits.tasks = {"pages"};
  const auto tasks = counted_tasks(limits, data_);
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_EQ(tasks[0].index, 1U);
}

TEST_F(LimitsTest, ADistanceCountsOnlyWithAMarginOfItsOwn) {
  data_.tasks[1].metrics.front() = {"kl", "nats/token", false, "identity"};
  EXPECT_EQ(counted_tasks({}, data_).size(), 1U);
  Limits limits;
  limits.margins["pages"] = {0.05, false};
  EXPECT_EQ(counted_tasks(limits, data_).size(), 2U);
}

TEST_F(LimitsTest, UnknownTasksAreNamedWithTheNearest) {
  Limits limits;
  limits.tasks = {"choise"};
  try {
    counted_tasks(limits, data_);
    FAIL() << "an unknown task was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(),
                HasSubstr("--tasks: the store has no task 'choise' (did you mean 'choice'?)"));
  }
  limits.tasks.clear();
  limits.margins["page"] = {1, false};
  EXPECT_THROW(counted_tasks(limits, data_), Error);
}

TEST(Preference, NamesAreThoseOfTheOption) {
  EXPECT_EQ(preference_name(Preference::kMemory), "memory");
  EXPECT_EQ(preference_name(Preference::kQuality), "quality");
}

}  // namespace
}  // namespace nibble::report
