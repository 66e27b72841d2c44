#include "report/advice/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "advice_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

class FactsTest : public ::testing::Test {
 protected:
  std::vector<Facts> facts() {
    data_ = gather(store_);
    return facts_of(data_);
  }
  /// The task "choice" scored by F1 instead.
  void score_by_f1() {
    store::Plan plan = advice_plan();
    plan.tasks.front() = {
        "t9", "reading", 1, "0-shot", "d9", kChoices, {{"f1", "fraction", true, "identity"}}};
    for (store::UnitRecord& unit : plan.units) {
      if (unit.task == "t0") {
        unit = {unit.variant + "/t9", unit.variant, "t9", ""};
      }
    }
    store_.replace_plan(plan);
  }
  void add_f1(const std::string& unit, std::size_t n_worse) {
    std::vector<store::SampleRecord> samples;
    for (std::size_t i = 0; i < kChoices; ++i) {
      const double f1 = i < n_worse ? 0.4 : 0.5;
      samples.push_back(
          {i, fmt::format("q{}", i), "", "", "", {{"f1", store::ScoreRecord::Ratio{f1, 1}}}});
    }
    store_.add_samples(unit, samples);
  }

  TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
  Data data_;
};

TEST_F(FactsTest, CostsAreMediansAndThePeak) {
  const auto all = facts();
  EXPECT_EQ(all[1].memory.value, 40e6);
  EXPECT_DOUBLE_EQ(*all[1].decode.value, 8.02);
  EXPECT_DOUBLE_EQ(*all[1].first_token.value, 162);
  EXPECT_NEAR(*all[1].first_token_p95.value, 150 + 0.95 * 24, 1e-9);  // linear, 25 values
  EXPECT_FALSE(all[1].energy.value);
}

TEST_F(FactsTest, TooFewRepetitionsCarryNoPercentile) {
  store_.add_measurements("v4/",
                          std::vector<store::MeasurementRecord>{
                              {"first_token", "ms", 0, 100.0, ""},
                              {"first_token", "ms", 1, 101.0, ""},
                              {"peak_memory", "bytes", 0, {}, "the kernel keeps no mark"}});
  store_.set_facts("v4", {"h4", 20'000'000, 20'000'000, 2, ""});
  const auto all = facts();
  const Facts& missing = all[4];
  EXPECT_FALSE(missing.first_token_p95.value);
  EXPECT_EQ(missing.first_token_p95.least, 100.0);
  EXPECT_EQ(missing.first_token_p95.n_needed, 20U);
  EXPECT_FALSE(missing.memory.value);
  EXPECT_EQ(missing.memory.least, 20e6);  // the packed weights
  EXPECT_EQ(missing.memory.reason, "the kernel keeps no mark");
}

TEST_F(FactsTest, LossesOfChoicesHaveTangosBounds) {
  const auto all = facts();
  const Loss& loss = all[3].losses[0];
  EXPECT_DOUBLE_EQ(*loss.seen, 0.015);
  EXPECT_GT(*loss.high, 0.02);
  EXPECT_LT(*loss.low, 0.0);
  EXPECT_NEAR(loss.deviation, std::sqrt(10.0 / 400 - 0.015 * 0.015), 1e-12);
  EXPECT_EQ(all[0].losses[0].high, 0.0);  // the reference loses nothing by definition
}

TEST_F(FactsTest, LowerIsBetterTurnsNothingRound) {
  const auto all = facts();
  const Loss& loss = all[1].losses[1];
  EXPECT_DOUBLE_EQ(*loss.seen, 0.2);
  EXPECT_DOUBLE_EQ(*loss.low, -0.1);
  EXPECT_DOUBLE_EQ(*loss.high, 0.5);
}

TEST_F(FactsTest, ABootstrapOfPairsThatAreNearlyAllEqualIsNotBelieved) {
  score_by_f1();
  add_f1("v0/t9", 0);
  add_f1("v1/t9", 0);
  add_f1("v2/t9", 100);
  auto summary = [](const std::string& unit, double difference, double low, double high) {
    store::SummaryRecord row{unit, "f1", kChoices, 0, 0.5 + difference, 0.4, 0.6, {}};
    row.comparison = store::ComparisonRecord{difference, low, high, 1, 1, kChoices, {}, {}};
    return row;
  };
  store_.replace_summaries(
      std::vector<store::SummaryRecord>{{"v0/t9", "f1", kChoices, 0, 0.5, 0.4, 0.6, {}},
                                        summary("v1/t9", 0, 0, 0),
                                        summary("v2/t9", -0.025, -0.03, -0.02)});
  const auto all = facts();
  EXPECT_NEAR(*all[1].losses[0].high, 3.8415 / 403.8415, 1e-4);  // z^2 / (n + z^2), not 0
  EXPECT_DOUBLE_EQ(*all[2].losses[0].high, 0.03);                // 100 pairs differ: as stored
}

TEST_F(FactsTest, FewWindowsCarryNoIntervalOfPerplexity) {
  store::SummaryRecord few = pages_summary("v1/t1", 20.2, 0.2, 0.19, 0.21);
  few.comparison->n = 4;
  store_.replace_summaries(
      std::vector<store::SummaryRecord>{{"v0/t1", "perplexity", 4, 0, 20, 19, 21, {}}, few});
  const auto all = facts();
  EXPECT_FALSE(all[1].losses[1].high);
  EXPECT_THAT(all[1].losses[1].reason, HasSubstr("4 samples carry no interval"));
  EXPECT_GE(*pairs_needed(all[1].losses[1], 1), 20U);
}

TEST_F(FactsTest, WhereTheReferenceGuessesALossCannotShow) {
  store_.replace_summaries(std::vector<store::SummaryRecord>{
      {"v0/t0", "acc", kChoices, 0, 0.27, 0.23, 0.31, {}}, choice_summary("v1/t0", 0, 0)});
  const auto all = facts();
  EXPECT_FALSE(all[1].losses[0].high);
  EXPECT_THAT(all[1].losses[0].reason, HasSubstr("cannot be told from guessing"));
}

TEST_F(FactsTest, WhatIsMissingSaysWhy) {
  const auto all = facts();
  EXPECT_EQ(all[4].losses[0].reason, "failed: group 96 does not divide 576 columns");
  EXPECT_EQ(all[4].losses[1].reason, "not run yet");
  EXPECT_EQ(all[4].decode.reason, "not run yet");
}

TEST(PairsNeeded, GrowWithTheSquareOfWhatIsToBeTold) {
  Loss loss{0.01, -0.02, 0.04, "", 400, 0.3, true};
  const std::size_t one_point = *pairs_needed(loss, 0.02);
  EXPECT_EQ(one_point, 7064U);  // (1.95996 + 0.84162)^2 * 0.09 / 0.0001, rounded up
  EXPECT_NEAR(
      static_cast<double>(*pairs_needed(loss, 0.03)), static_cast<double>(one_point) / 4, 1);
  EXPECT_FALSE(pairs_needed(loss, 0.01));  // what was seen is the margin
  // No flip at all: z^2 (1 - margin) / margin.
  EXPECT_EQ(pairs_needed({0, -0.3, 0.3, "", 10, 0, true}, 0.02), 189U);
  EXPECT_FALSE(pairs_needed({}, 0.02));
}

}  // namespace
}  // namespace nibble::report
