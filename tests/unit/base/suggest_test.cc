#include "base/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace nibble {
namespace {

constexpr std::array<std::string_view, 4> kKnown = {"quantize", "eval", "study", "hellaswag"};

TEST(NearestName, FindsSlipsOfTheFinger) {
  EXPECT_EQ(nearest_name("quantise", kKnown), "quantize");
  EXPECT_EQ(nearest_name("hela_swag", kKnown), "hellaswag");
  EXPECT_EQ(nearest_name("stud", kKnown), "study");
  EXPECT_EQ(nearest_name("stduy", kKnown), "study");
  EXPECT_EQ(nearest_name("eavl", kKnown), "eval");  // exchanged letters are one slip
  EXPECT_EQ(nearest_name("lave", kKnown), "");
}

TEST(NearestName, SaysNothingRatherThanNonsense) {
  EXPECT_EQ(nearest_name("zzzzzz", kKnown), "");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(DidYouMean, IsReadyToAppend) {
  EXPECT_EQ(did_you_mean("evl", kKnown), " (did you mean 'eval'?)");
  EXPECT_EQ(did_you_mean("nothing-like-it", kKnown), "");
}

}  // namespace
}  // namespace nibble
