#include "report/advice/margins.h"

#include <gtest/gtest.h>

#include "advice_store.h"
#include "eval/stats/paired_proportions.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;

class MarginsTest : public ::testing::Test {
 protected:
  std::vector<WinnerMargin> duel(std::size_t winner, std::size_t runner_up) {
    const auto facts = facts_of(data_);
    const auto tasks = counted_tasks({}, data_);
    return winner_margins(store_, data_, {facts[winner], facts[runner_up], tasks});
  }
  TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
  Data data_ = gather(store_);
};

TEST_F(MarginsTest, SizesAreExactAndMeasurementsShifted) {
  const auto rows = duel(1, 3);
  EXPECT_EQ(rows[0].what, "peak memory");
  EXPECT_DOUBLE_EQ(rows[0].difference, 10);
  EXPECT_EQ(rows[0].n, 0U);
  EXPECT_FALSE(rows[0].low);
  EXPECT_EQ(rows[2].what, "decoding");
  EXPECT_NEAR(rows[2].difference, 1, 1e-9);
  EXPECT_NEAR(*rows[2].low, 0.97, 1e-9);  // the third smallest of 25 differences
  EXPECT_NEAR(*rows[2].high, 1.03, 1e-9);
}

TEST_F(MarginsTest, ScoresArePairedOverTheSamplesOfBoth) {
  const auto rows = duel(1, 2);
  const WinnerMargin& choice = rows[3];
  EXPECT_EQ(choice.what, "acc on choice");
  EXPECT_EQ(choice.n, kChoices);
  EXPECT_DOUBLE_EQ(choice.difference, 10);  // 300 right against 260, in points
  // "fast" lost the first 40, "small" the first 2 and gained 2: 40 against 0 between the two.
  const auto expected = eval::stats::paired_proportion_interval({kChoices, 0, 40});
  EXPECT_DOUBLE_EQ(*choice.low, 100 * expected.low);
  EXPECT_DOUBLE_EQ(*choice.high, 100 * expected.high);
  EXPECT_TRUE(choice.higher_is_better);
  EXPECT_EQ(rows[4].what, "perplexity on pages");
  EXPECT_LT(*rows[4].high, 0);
}

TEST_F(MarginsTest, WhatOneOfThemLacksIsLeftOut) {
  EXPECT_TRUE(duel(1, 4).empty());
}

}  // namespace
}  // namespace nibble::report
