#include "study/summary_pace.h"

#include <gtest/gtest.h>

namespace nibble::study {
namespace {

using std::chrono::seconds;

TEST(SummaryPace, TheFirstIsDueAtOnce) {
  EXPECT_TRUE(SummaryPace().is_due(SummaryPace::Time(seconds(1000))));
}

TEST(SummaryPace, TakesATwentiethOfTheTimeAtMost) {
  const SummaryPace::Time began(seconds(1000));
  SummaryPace pace;
  pace.summed_up(began, began + seconds(2));
  EXPECT_FALSE(pace.is_due(began + seconds(2)));
  EXPECT_FALSE(pace.is_due(began + seconds(39)));
  EXPECT_TRUE(pace.is_due(began + seconds(40)));
}

TEST(SummaryPace, WhatTakesNoTimeIsDueAfterEveryVariant) {
  const SummaryPace::Time now(seconds(1000));
  SummaryPace pace;
  pace.summed_up(now, now);
  EXPECT_TRUE(pace.is_due(now));
}

/// The reason for a pace: the work of all summaries stays in proportion to what is summed up.
TEST(SummaryPace, GrowsNotWithTheSquareOfTheVariants) {
  const auto summed_up = [](int n_variants) {
    SummaryPace::Time now(seconds(1000));
    SummaryPace pace;
    seconds all{0};
    for (int i = 1; i <= n_variants; ++i) {
      now += seconds(10);  // what a variant takes
      if (pace.is_due(now)) {
        pace.summed_up(now, now + seconds(i));  // a second for each variant so far
        now += seconds(i);
        all += seconds(i);
      }
    }
    return all.count();
  };
  EXPECT_LE(summed_up(1000), 1000 * 10 / 19 + 1000);
  EXPECT_GE(summed_up(1000), 100);
}

}  // namespace
}  // namespace nibble::study
