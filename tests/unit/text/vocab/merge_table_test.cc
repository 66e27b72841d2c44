#include "text/vocab/merge_table.h"

#include <gtest/gtest.h>

namespace nibble::text {
namespace {

TEST(MergeTable, FindsPairsInTheirOrder) {
  MergeTable table;
  EXPECT_EQ(table.find(1, 2).rank, kNoRank);
  for (TokenId left = 0; left < 60; ++left) {
    for (TokenId right = 0; right < 60; ++right) {
      table.add(left, right, {static_cast<std::uint32_t>(left * 60 + right), left + right});
    }
  }
  EXPECT_EQ(table.size(), 3600U);
  for (TokenId left = 0; left < 60; ++left) {
    EXPECT_EQ(table.find(left, 59 - left).rank, static_cast<std::uint32_t>(left * 60 + 59 - left));
    EXPECT_EQ(table.find(left, 59 - left).result, 59);
    EXPECT_EQ(table.find(left, 60).rank, kNoRank);
  }
}

TEST(MergeTable, TheLowestRankOfAPairStays) {
  MergeTable table(1);
  table.add(1, 2, {5, 10});
  table.add(1, 2, {7, 11});
  EXPECT_EQ(table.find(1, 2).result, 10);
  table.add(1, 2, {3, 12});
  EXPECT_EQ(table.find(1, 2).result, 12);
}

}  // namespace
}  // namespace nibble::text
