#include "data/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble::data {
namespace {

using ::testing::ElementsAre;

std::vector<CsvRow> parse(std::string_view text) {
  return parse_csv(text, "t.csv").take();
}
std::string refusal(std::string_view text) {
  return parse_csv(text, "t.csv").failure().message;
}

TEST(Csv, SplitsPlainFields) {
  EXPECT_THAT(parse("a,b\nc,,d\n"), ElementsAre(CsvRow{"a", "b"}, CsvRow{"c", "", "d"}));
  EXPECT_THAT(parse("a,b\r\nc,\r\n"), ElementsAre(CsvRow{"a", "b"}, CsvRow{"c", ""}));
  EXPECT_THAT(parse("a"), ElementsAre(CsvRow{"a"}));
  EXPECT_THAT(parse("a,"), ElementsAre(CsvRow{"a", ""}));
}

TEST(Csv, QuotedFieldsHoldAnything) {
  EXPECT_THAT(parse("\"a,\"\"b\"\"\nc\",d\n"), ElementsAre(CsvRow{"a,\"b\"\nc", "d"}));
  EXPECT_THAT(parse("\"\",\"x\"\r\n"), ElementsAre(CsvRow{"", "x"}));
}

TEST(Csv, TakesAnotherSeparator) {
  EXPECT_THAT(parse_csv("a\tb,c\n", "t", '\t').take(), ElementsAre(CsvRow{"a", "b,c"}));
}

TEST(Csv, NamesTheLineOfABadQuote) {
  EXPECT_EQ(refusal("a\n\"b\nc"), "t.csv:2: a quote that is not closed");
  EXPECT_EQ(refusal("\"a\nb\"\nc\"d\n"),
            "t.csv:3: a quote inside a field that does not begin with one");
  EXPECT_EQ(refusal("\"a\"b\n"), "t.csv:1: text after a closing quote");
}

TEST(Csv, ReadsEveryMmluFile) {
  NIBBLE_NEEDS_FILE(folder, testing::data_folder());
  std::size_t n_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "mmlu/dev")) {
    const auto set = read_csv(entry.path());
    ASSERT_TRUE(set) << set.failure().message;
    EXPECT_EQ(set->rows.size(), 5U) << entry.path();
    for (const CsvRow& row : set->rows) {
      EXPECT_EQ(row.size(), 6U) << entry.path();
    }
    ++n_files;
  }
  EXPECT_EQ(n_files, 57U);
}

}  // namespace
}  // namespace nibble::data
