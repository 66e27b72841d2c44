#include "data/jsonl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/files.h"

namespace nibble::data {
namespace {

using ::testing::HasSubstr;

TEST(Jsonl, ReadsALineAValue) {
  const testing::TempFolder folder;
  testing::write_file(folder / "a.jsonl", "{\"a\": 1}\r\n\n[2]");
  const auto set = read_jsonl(folder / "a.jsonl").take();
  ASSERT_EQ(set.rows.size(), 2U);
  EXPECT_EQ(set.rows[0]["a"], 1);
  EXPECT_EQ(set.rows[1][0], 2);
  EXPECT_EQ(set.sha256.size(), 64U);
}

TEST(Jsonl, NamesTheLineThatIsMalformed) {
  const testing::TempFolder folder;
  testing::write_file(folder / "a.jsonl", "{}\n{\"a\": }\n");
  EXPECT_THAT(read_jsonl(folder / "a.jsonl").failure().message, HasSubstr("a.jsonl:2:7: "));
}

TEST(Jsonl, RefusesASetWithoutRows) {
  const testing::TempFolder folder;
  testing::write_file(folder / "a.jsonl", "\n \n");
  EXPECT_THAT(read_jsonl(folder / "a.jsonl").failure().message, HasSubstr("a.jsonl: no rows"));
}

TEST(Jsonl, ReadsTheDemoCorpus) {
  EXPECT_EQ(read_jsonl(testing::source_path("examples/demo/passages.jsonl")).take().rows.size(),
            60U);
  EXPECT_EQ(read_jsonl(testing::source_path("examples/demo/questions.jsonl")).take().rows.size(),
            180U);
  EXPECT_EQ(read_jsonl(testing::source_path("examples/demo/choices.jsonl")).take().rows.size(),
            120U);
}

TEST(Jsonl, ReadsArcEasy) {
  NIBBLE_NEEDS_FILE(folder, testing::data_folder());
  const auto set = read_jsonl(folder / "arc_easy/validation.jsonl.gz").take();
  EXPECT_EQ(set.rows.size(), 428U);
  EXPECT_TRUE(set.rows[0].contains("answerKey"));
}

}  // namespace
}  // namespace nibble::data
