#include "report/answers/intervals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/nan.h"

namespace nibble::report {
namespace {

using ::testing::ElementsAre;

TEST(IntervalCells, SignsAndFactors) {
  EXPECT_EQ(interval_text({-0.012, -0.5, 0.25, 9}, kPoints, Sign::kAlways),
            "\u22121.2 [\u221250.0, +25.0]");
  EXPECT_EQ(interval_text({0.4171, kNaN, kNaN, 1}, kPlain, Sign::kMinusOnly), "0.42");
  EXPECT_EQ(interval_text({-0.0001, -0.0002, 0.0001, 9}, kPlain, Sign::kAlways),
            "0.00 [0.00, 0.00]");
}

TEST(IntervalCells, NaNIsNoNumber) {
  const Cell missing = interval_cell({kNaN, kNaN, kNaN, 0}, kPlain, Sign::kAlways, "no such");
  EXPECT_TRUE(missing.is_missing);
  EXPECT_EQ(missing.text, "no such");
  const Cell unbounded = interval_cell({0.5, kNaN, kNaN, 1}, kPlain, Sign::kAlways, "");
  EXPECT_THAT(unbounded.numbers, ElementsAre(0.5, std::nullopt, std::nullopt));
}

TEST(IntervalCells, Correlations) {
  const Cell cell = correlation_cell({0.314, 0.05, 0.53, 0.02, 40});
  EXPECT_EQ(cell.text, "+0.31 [+0.05, +0.53], p 0.020");
  EXPECT_THAT(cell.numbers, ElementsAre(0.314, 0.05, 0.53, 0.02));
  EXPECT_EQ(correlation_cell({kNaN, kNaN, kNaN, kNaN, 2}).text, "fewer than three questions");
  EXPECT_EQ(correlation_cell({kNaN, kNaN, kNaN, kNaN, 40}).text, "nothing varies");
  EXPECT_THAT(correlation_column("r", "r").machine, ElementsAre("r", "r_low", "r_high", "r_p"));
}

}  // namespace
}  // namespace nibble::report
