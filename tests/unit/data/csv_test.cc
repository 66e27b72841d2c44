#include "data/csv.h"

#include <gtest/gtest.h>

namespace nibble::data {
namespace {

using Fields = std::vector<std::string>;

std::vector<Fields> parsed(std::string_view text) {
  std::vector<Fields> out;
  for (CsvRecord& record : parse_csv(text, "t").take()) {
    out.push_back(std::move(record.fields));
  }
  return out;
}

TEST(Csv, ReadsQuotesCommasAndLineEndsInFields) {
  EXPECT_EQ(parsed("a,b\n\"x, \"\"y\"\"\",\"1\n2\"\n"),
            (std::vector<Fields>{{"a", "b"}, {"x, \"y\"", "1\n2"}}));
  EXPECT_EQ(parsed("a,\r\n,b"), (std::vector<Fields>{{"a", ""}, {"", "b"}}));
  EXPECT_EQ(parsed("\"a\r\nb\",c\r\n"), (std::vector<Fields>{{"a\r\nb", "c"}}));
  EXPECT_EQ(parsed("a\n\n\nb\n"), (std::vector<Fields>{{"a"}, {"b"}}));
  EXPECT_TRUE(parsed("").empty());
}

TEST(Csv, AQuoteInsideAPlainFieldIsText) {
  EXPECT_EQ(parsed("5\" pipe,b\n"), (std::vector<Fields>{{"5\" pipe", "b"}}));
}

TEST(Csv, CountsLinesThroughQuotedFields) {
  const auto records = parse_csv("a\n\"1\n2\"\nb\n", "t").take();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[1].line, 2U);
  EXPECT_EQ(records[2].line, 4U);
}

TEST(Csv, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(parse_csv("a\n\"b\nc", "t").failure().message, "t:2: a quote is never closed");
  EXPECT_EQ(parse_csv("\"a\"b\n", "t").failure().message, "t:1: text behind a closing quote");
  EXPECT_EQ(parse_csv("a,b\nc\n", "t").failure().message, "t:2: 1 fields, the first record has 2");
}

}  // namespace
}  // namespace nibble::data
