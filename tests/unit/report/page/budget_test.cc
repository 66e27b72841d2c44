#include "report/page/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(FairShares, EverybodyGetsWhatThereIsEnoughOf) {
  EXPECT_THAT(fair_shares(std::vector<std::size_t>{10, 0, 30}, 40), ElementsAre(10, 0, 30));
}

TEST(FairShares, WhatTheSmallLeaveIsForTheLarge) {
  EXPECT_THAT(fair_shares(std::vector<std::size_t>{500, 10, 90, 400}, 300),
              ElementsAre(100, 10, 90, 100));
}

TEST(FairShares, NothingToShareIsNothingForAnybody) {
  EXPECT_THAT(fair_shares(std::vector<std::size_t>{5, 6}, 0), ElementsAre(0, 0));
  EXPECT_THAT(fair_shares({}, 100), IsEmpty());
}

}  // namespace
}  // namespace nibble::report
