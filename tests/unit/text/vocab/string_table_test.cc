#include "text/vocab/string_table.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::text {
namespace {

TEST(StringTable, GivesIdsInOrder) {
  StringTable table;
  EXPECT_EQ(table.add("a"), 0);
  EXPECT_EQ(table.add(""), 1);
  EXPECT_EQ(table.add("bc"), 2);
  EXPECT_EQ(table.at(0), "a");
  EXPECT_EQ(table.at(1), "");
  EXPECT_EQ(table.at(2), "bc");
  EXPECT_TRUE(table.contains(2));
  EXPECT_FALSE(table.contains(3));
  EXPECT_FALSE(table.contains(-1));
}

TEST(StringIndex, FindsWhatWasSetAndNothingElse) {
  StringIndex index;
  EXPECT_EQ(index.find("x"), std::nullopt);
  for (TokenId id = 0; id < 5000; ++id) {
    index.set(std::to_string(id * 7), id);
  }
  EXPECT_EQ(index.size(), 5000U);
  for (TokenId id = 0; id < 5000; ++id) {
    EXPECT_EQ(index.find(std::to_string(id * 7)), id);
    EXPECT_EQ(index.find(std::to_string(id * 7 + 1)), std::nullopt);
  }
}

TEST(StringIndex, TheLastValueStays) {
  StringIndex index(1);
  index.set("a", 1);
  index.set("a", 2);
  EXPECT_EQ(index.find("a"), 2);
  EXPECT_EQ(index.size(), 1U);
  EXPECT_THROW(index.set("b", -1), Error);
}

}  // namespace
}  // namespace nibble::text
