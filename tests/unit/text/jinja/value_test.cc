#include "text/jinja/value.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::text::jinja {
namespace {

TEST(Value, NumbersAndTruthValuesCompareByValue) {
  EXPECT_TRUE(are_equal(std::int64_t{1}, true));
  EXPECT_TRUE(are_equal(std::int64_t{2}, 2.0));
  EXPECT_FALSE(are_equal(std::int64_t{1}, "1"));
  EXPECT_FALSE(are_equal(Value(), false));
}

TEST(Value, DictionariesAreEqualInAnyOrder) {
  const Value a = std::vector<Entry>{{"x", std::int64_t{1}}, {"y", List{"z"}}};
  const Value b = std::vector<Entry>{{"y", List{"z"}}, {"x", std::int64_t{1}}};
  const Value c = std::vector<Entry>{{"y", List{"q"}}, {"x", std::int64_t{1}}};
  EXPECT_TRUE(are_equal(a, b));
  EXPECT_FALSE(are_equal(a, c));
}

TEST(Value, WritesFloatsAsPythonDoes) {
  EXPECT_EQ(number_text(1), "1.0");
  EXPECT_EQ(number_text(1e16), "1e+16");
  EXPECT_EQ(number_text(123456789012345680), "1.2345678901234568e+17");
  EXPECT_EQ(number_text(1e-5), "1e-05");
  EXPECT_EQ(number_text(0.0001), "0.0001");
  EXPECT_EQ(number_text(-0.1), "-0.1");
}

TEST(Value, DepthIsBounded) {
  Value nested = List{};
  EXPECT_EQ(nested.depth(), 1);
  for (int i = 1; i < kMaxDepth; ++i) {
    nested = List{nested};
  }
  EXPECT_EQ(nested.depth(), kMaxDepth);
  EXPECT_THROW(nested = List{nested}, Error);
}

TEST(Value, OnlyOrderedKindsCompare) {
  EXPECT_LT(compare("a", "b"), 0);
  EXPECT_GT(compare(List{std::int64_t{2}}, List{std::int64_t{1}, "x"}), 0);
  EXPECT_THROW(compare(Value(), "a"), Error);
}

}  // namespace
}  // namespace nibble::text::jinja
