#include "report/advice/front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Facts facts(double memory, double decode, double loss) {
  return {nullptr,
          {memory, {}, "", {}},
          {},
          {},
          {decode, {}, "", {}},
          {},
          {{loss, {}, {}, "", 1, 0, true}}};
}

const std::vector<CountedTask> kTasks{{0, 0.02, ""}};

TEST(Front, BetterInOneAndNoWorseInTheOthersDominates) {
  EXPECT_TRUE(dominates(facts(1, 1, 0.1), facts(2, 1, 0.1), kTasks));
  EXPECT_FALSE(dominates(facts(1, 1, 0.1), facts(1, 1, 0.1), kTasks));  // equal
  EXPECT_FALSE(dominates(facts(1, 2, 0.1), facts(2, 1, 0.1), kTasks));
  EXPECT_FALSE(dominates(facts(1, 1, 0.2), facts(2, 2, 0.1), kTasks));
  EXPECT_TRUE(dominates(facts(1, 1, 0.2), facts(2, 2, 0.1), {}));  // the task does not count
}

TEST(Front, WhatIsMissingMightBeBetter) {
  Facts unknown = facts(2, 2, 0.2);
  unknown.decode.value.reset();
  EXPECT_FALSE(dominates(facts(1, 1, 0.1), unknown, kTasks));
  EXPECT_FALSE(dominates(unknown, facts(3, 3, 0.3), kTasks));
  Facts also_unknown = facts(1, 1, 0.1);
  also_unknown.decode.value.reset();
  EXPECT_TRUE(dominates(also_unknown, unknown, kTasks));
}

TEST(Front, DominatorsAreThoseOnTheFront) {
  const std::vector<Facts> all{
      facts(3, 3, 0.3), facts(2, 2, 0.2), facts(1, 1, 0.1), facts(0, 9, 0.9)};
  const auto beaten = dominators(all, kTasks);
  EXPECT_THAT(beaten[0], ElementsAre(2));
  EXPECT_THAT(beaten[1], ElementsAre(2));
  EXPECT_THAT(beaten[2], IsEmpty());
  EXPECT_THAT(beaten[3], IsEmpty());
}

}  // namespace
}  // namespace nibble::report
