#include "report/cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::report {
namespace {

using ::testing::ElementsAre;

TEST(Cells, NumbersOrReasons) {
  EXPECT_EQ(number_cell({2.5, ""}, 2).text, "5.00");
  EXPECT_THAT(number_cell({2.5, ""}, 2).numbers, ElementsAre(5.0));
  const Cell none = number_cell({{}, "not run yet"});
  EXPECT_TRUE(none.is_missing);
  EXPECT_EQ(none.text, "not run yet");
  EXPECT_EQ(percent_cell({0.415, ""}).text, "41.5 %");
  EXPECT_EQ(ratio_cell({1.5, ""}).text, "1.50\u00d7");
}

TEST(Cells, SpreadsShowTheOuterRepetitions) {
  const Known<Spread> known{Spread{2, 1, 4, 3, {1, 2, 4}}, ""};
  EXPECT_EQ(spread_cell(known).text, "2.00 [1.00, 4.00]");
  EXPECT_THAT(spread_cell(known, 10).numbers, ElementsAre(20.0, 10.0, 40.0, 3.0));
  EXPECT_EQ(median_cell(known).text, "2.00");
  EXPECT_EQ(spread_cell({Spread{2, 2, 2, 1, {2}}, ""}).text, "2.00");
}

TEST(Cells, RatiosNameWhatIsMissing) {
  EXPECT_EQ(ratio_of({6, ""}, {4, ""}).value, 1.5);
  EXPECT_EQ(ratio_of({{}, "a"}, {4, ""}).reason, "a");
  EXPECT_EQ(ratio_of({6, ""}, {{}, "b"}).reason, "b");
  EXPECT_FALSE(ratio_of({6, ""}, {0, ""}).value);
}

}  // namespace
}  // namespace nibble::report
