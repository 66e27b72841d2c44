#include "data/pulled_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "data/squad.h"
#include "support/files.h"

namespace nibble::data {
namespace {

TEST(PulledRows, TextsAreJoinedAndEmptyOnesAreABlankLine) {
  EXPECT_EQ(joined_texts("{\"text\": \" = A =\\n\"}\n{\"text\": \"\"}\n", "f"), " = A =\n \n");
}

TEST(PulledRows, SquadIsReadAsItsQuestionsWere) {
  const std::string rows =
      R"({"id": "1", "title": "T", "context": "C", "question": "Q1", "answers": {"text": ["a", "b"], "answer_start": [3, 4]}})"
      "\n"
      R"({"id": "2", "title": "T", "context": "C", "question": "Q2", "answers": {"text": [], "answer_start": []}})"
      "\n"
      R"({"id": "3", "title": "T", "context": "D", "question": "Q3", "answers": {"text": ["c"], "answer_start": [0]}})"
      "\n"
      R"({"id": "4", "title": "U", "context": "D", "question": "Q4", "answers": {"text": ["d"], "answer_start": [0]}})"
      "\n";
  const testing::TempFolder folder;
  testing::write_file(folder / "squad.json", nested_squad(rows, "f"));
  const auto set = squad_records(folder / "squad.json").take();
  ASSERT_EQ(set.rows.size(), 4U);
  EXPECT_EQ(set.rows[0].answers, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(set.rows[1].answers.empty());
  EXPECT_EQ(set.rows[2].context, "D");
  EXPECT_EQ(set.rows[3].title, "U");
  EXPECT_EQ(set.rows[3].question, "Q4");
}

TEST(PulledRows, ARowWithoutAColumnIsRefusedWithItsNumber) {
  for (const char* rows :
       {"{\"text\": \"x\"}\n{\"texts\": \"x\"}\n", "{\"text\": \"x\"}\n{\"text\": 1}\n"}) {
    try {
      (void)joined_texts(rows, "f");
      ADD_FAILURE() << rows;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("f: row 2"));
    }
  }
  EXPECT_THROW((void)nested_squad(
                   R"({"id": "1", "title": "T", "context": "C", "question": "Q", "answers": ["a"]})"
                   "\n",
                   "f"),
               Error);
}

}  // namespace
}  // namespace nibble::data
