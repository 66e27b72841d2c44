#include "ops/rope_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::ops {
namespace {

TEST(RopeTable, CoversPagesOfSixtyFour) {
  RopeTable table({1.0F, 0.01F});
  table.cover(0);
  EXPECT_TRUE(table.pages().empty());
  table.cover(65);
  ASSERT_EQ(table.pages().size(), 2U);
  const float* const first = table.pages()[0];
  table.cover(200);
  ASSERT_EQ(table.pages().size(), 4U);
  EXPECT_EQ(table.pages()[0], first) << "pages stay where they are";
  const float* const second = table.pages()[1];
  EXPECT_EQ(second[3], std::cos(67.0F));
  EXPECT_EQ(second[64 + 3], std::cos(67.0F * 0.01F));
  EXPECT_EQ(second[128 + 63], std::sin(127.0F));
  EXPECT_EQ(second[192 + 63], std::sin(127.0F * 0.01F));
}

}  // namespace
}  // namespace nibble::ops
