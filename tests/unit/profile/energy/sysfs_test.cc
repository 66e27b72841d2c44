#include "profile/energy/sysfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recorded.h"

namespace nibble::profile {
namespace {

using ::testing::HasSubstr;

TEST(Sysfs, NumbersAndWords) {
  const nibble::testing::TempFolder root;
  put(root / "n", "42\n");
  put(root / "w", "package-0\nmore\n");
  EXPECT_DOUBLE_EQ(*read_number(root / "n"), 42);
  EXPECT_EQ(number_in(root / "n"), 42.0);
  EXPECT_EQ(read_word(root / "w"), "package-0");
  EXPECT_EQ(read_word(root / "absent"), "");
}

TEST(Sysfs, WhatIsNoNumberSaysWhereAndWhy) {
  const nibble::testing::TempFolder root;
  put(root / "w", "12x\n");
  EXPECT_THAT(read_number(root / "w").failure().message, HasSubstr("w: '12x', wanted a number"));
  EXPECT_EQ(read_number(root / "absent").failure().code, ErrorCode::kIo);
  EXPECT_EQ(number_in(root / "absent"), std::nullopt);
}

TEST(Sysfs, EntriesComeInOrder) {
  const nibble::testing::TempFolder root;
  for (const char* const name : {"b1", "a2", "a1"}) {
    put(root / name / "x", "");
  }
  const auto found = entries(root.path(), "a");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].filename(), "a1");
  EXPECT_TRUE(entries(root / "absent", "a").empty());
}

}  // namespace
}  // namespace nibble::profile
