#include "report/advice/advise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "advice_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AdviseTest : public ::testing::Test {
 protected:
  Advice with(const Limits& limits) { return advise(store_, data_, limits); }
  TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
  Data data_ = gather(store_);
};

TEST_F(AdviseTest, TakesTheLeastMemoryOfThoseThatMeetAllLimits) {
  const Advice advice = with({});
  EXPECT_EQ(advice.status, AdviceStatus::kRecommended);
  EXPECT_EQ(advice.winner, 1U);
  EXPECT_EQ(advice.runner_up, 0U);
  EXPECT_THAT(advice.might_be_better, ElementsAre(3));  // "unsure" has less memory
  EXPECT_EQ(advice.candidates[2].verdict, Verdict::kFailed);
  EXPECT_EQ(advice.candidates[4].verdict, Verdict::kUndecided);
  EXPECT_THAT(advice.rule, HasSubstr("with the least memory"));
}

TEST_F(AdviseTest, ThePreferenceDecidesAmongThem) {
  Limits limits;
  limits.other_margin = Margin{60, true};  // everything that was measured is accepted
  EXPECT_EQ(with(limits).winner, 3U);
  limits.prefer = Preference::kSpeed;
  EXPECT_EQ(with(limits).winner, 2U);
  EXPECT_EQ(with(limits).runner_up, 3U);
  limits.prefer = Preference::kQuality;
  EXPECT_EQ(with(limits).winner, 0U);
  limits.prefer = Preference::kEnergy;  // nobody measured it
  EXPECT_EQ(with(limits).status, AdviceStatus::kUndecided);
}

TEST_F(AdviseTest, DominatedVariantsAreNamedWithWhatBeatsThem) {
  const Advice advice = with({});
  EXPECT_THAT(advice.candidates[1].dominated_by, IsEmpty());  // loses less than "unsure" on choice
  EXPECT_THAT(advice.candidates[4].dominated_by, IsEmpty());  // nothing is known of it
  Limits limits;
  limits.tasks = {"pages"};
  EXPECT_THAT(with(limits).candidates[1].dominated_by, ElementsAre("unsure"));
}

TEST_F(AdviseTest, NoneWhereEverythingFails) {
  store::Plan plan = advice_plan();
  plan.variants.pop_back();
  std::erase_if(plan.units, [](const store::UnitRecord& unit) { return unit.variant == "v4"; });
  store_.replace_plan(plan);
  data_ = gather(store_);
  Limits limits;
  limits.memory_bytes = 1e6;
  const Advice advice = with(limits);
  EXPECT_EQ(advice.status, AdviceStatus::kNone);
  EXPECT_FALSE(advice.winner);
}

TEST_F(AdviseTest, UndecidedWhereSomeMayMeetTheLimits) {
  Limits limits;
  limits.memory_bytes = 35e6;  // leaves "unsure", whose loss is not decidable
  const Advice advice = with(limits);
  EXPECT_EQ(advice.status, AdviceStatus::kUndecided);
  EXPECT_FALSE(advice.winner);
  EXPECT_EQ(status_name(advice.status), "undecided");
}

TEST_F(AdviseTest, AnEmptyStoreIsUndecidedOnNothing) {
  store_.replace_plan({});
  data_ = gather(store_);
  const Advice advice = with({});
  EXPECT_EQ(advice.status, AdviceStatus::kNone);
  EXPECT_THAT(advice.candidates, IsEmpty());
}

}  // namespace
}  // namespace nibble::report
