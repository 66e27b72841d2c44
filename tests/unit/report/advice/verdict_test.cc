#include "report/advice/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "advice_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VerdictTest : public ::testing::Test {
 protected:
  std::vector<Judgement> judged(std::size_t variant, const Limits& limits) {
    return judge(facts_of(data_)[variant], limits, counted_tasks(limits, data_), data_);
  }
  TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
  Data data_ = gather(store_);
};

TEST_F(VerdictTest, LossesAreMetFailedOrUndecidedByTheirIntervals) {
  EXPECT_EQ(overall(judged(1, {})), Verdict::kMet);
  EXPECT_EQ(overall(judged(2, {})), Verdict::kFailed);
  const auto unsure = judged(3, {});
  EXPECT_EQ(unsure[0].verdict, Verdict::kUndecided);
  EXPECT_EQ(unsure[0].limit, "loss on choice");
  EXPECT_THAT(unsure[0].text, HasSubstr("1.5 points lost"));
  EXPECT_THAT(text_of(unsure[0]), HasSubstr("; accepted: 2 points"));
  EXPECT_GT(unsure[0].n_needed, kChoices);
  EXPECT_EQ(unsure[1].verdict, Verdict::kMet);
  EXPECT_EQ(overall(unsure), Verdict::kUndecided);
}

TEST_F(VerdictTest, CostsAreComparedWithTheirLimits) {
  Limits limits;
  limits.memory_bytes = 42e6;
  limits.first_token_p95_ms = 160;
  const auto rows = judged(1, limits);
  EXPECT_EQ(rows[0].verdict, Verdict::kMet);
  EXPECT_EQ(text_of(rows[0]), "40.00 MB; accepted: 42.00 MB");
  EXPECT_EQ(rows[1].verdict, Verdict::kFailed);  // 172.8 ms
}

TEST_F(VerdictTest, WhatWasNotMeasuredDecidesNothingUnlessItCannotFit) {
  Limits limits;
  limits.token_joules = 1;
  const auto rows = judged(1, limits);
  EXPECT_EQ(rows[0].limit, "energy");
  EXPECT_EQ(rows[0].verdict, Verdict::kUndecided);
  EXPECT_THAT(text_of(rows[0]), HasSubstr("accepted: 1.00 J/token"));
  Facts facts = facts_of(data_)[1];
  facts.memory = {{}, 30e6, "not measured", {}};
  limits.memory_bytes = 29e6;
  EXPECT_EQ(judge(facts, limits, {}, data_)[0].verdict, Verdict::kFailed);
  limits.memory_bytes = 31e6;
  EXPECT_EQ(judge(facts, limits, {}, data_)[0].verdict, Verdict::kUndecided);
}

TEST_F(VerdictTest, CostsOfAnotherDeviceDecideNothing) {
  Limits limits;
  limits.decode_ms = 9;
  limits.device = "nonesuch";
  EXPECT_EQ(judged(1, limits)[0].verdict, Verdict::kMet);
  limits.device = "T4";
  const auto rows = judged(1, limits);
  EXPECT_EQ(rows[0].verdict, Verdict::kUndecided);
  EXPECT_EQ(text_of(rows[0]), "measured on Nonesuch 3000, not on T4; accepted: 9.00 ms/token");
  EXPECT_EQ(rows[1].verdict, Verdict::kMet);  // losses are not those of a device
  EXPECT_THAT(device_reason("", data_), IsEmpty());
}

TEST(Overall, FailedBeatsUndecidedBeatsMet) {
  const Judgement met{"", Verdict::kMet, "", "", {}}, open{"", Verdict::kUndecided, "", "", {}},
      failed{"", Verdict::kFailed, "", "", {}};
  EXPECT_EQ(overall({}), Verdict::kMet);
  EXPECT_EQ(overall({met, open}), Verdict::kUndecided);
  EXPECT_EQ(overall({open, failed, met}), Verdict::kFailed);
  EXPECT_EQ(verdict_name(Verdict::kUndecided), "undecided");
}

}  // namespace
}  // namespace nibble::report
