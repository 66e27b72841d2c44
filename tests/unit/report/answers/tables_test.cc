#include "report/answers/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "answer_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(AnswerTables, AColumnForEachTaskOfTheGroup) {
  const nibble::testing::TempFolder folder;
  const Data data = gather(answer_store(folder / "s.db"));
  const Table table = answer_table(data, 0);
  EXPECT_EQ(table.id, "answers-01");
  EXPECT_EQ(table.title, "Answers over documents: squad");
  EXPECT_THAT(table.caption, HasSubstr("8 questions"));
  ASSERT_EQ(table.columns.size(), 3U);
  EXPECT_EQ(table.columns[1].title, "squad@2048 f1");
  EXPECT_THAT(table.rows[1][1].text, StartsWith("0.0 (\u221237.5 ["));
  EXPECT_EQ(table.rows[4][1].text, "not run yet");
}

TEST(AnswerTables, HeadsBesideTheReference) {
  const nibble::testing::TempFolder folder;
  const Data data = gather(answer_store(folder / "s.db"));
  const Table table = head_agreement_table(data);
  ASSERT_EQ(table.rows.size(), 4U) << "every variant but the reference";
  EXPECT_EQ(table.rows[0][1].text, "small");
  EXPECT_THAT(table.rows[0][2].text, StartsWith("50.0 [")) << "head 1 agrees, head 0 does not";
  EXPECT_EQ(table.rows[0][4].text, "no such layer") << "one layer has no first third";
  EXPECT_EQ(table.rows[0][7].text, "0.0 [0.0, 0.0]");
  EXPECT_EQ(table.rows[1][2].text, "not run yet");
}

TEST(AnswerTables, NoneWithoutSuchTasks) {
  const nibble::testing::TempFolder folder;
  EXPECT_THAT(answer_tables(gather(advice_store(folder / "s.db"))), IsEmpty());
  EXPECT_EQ(answer_tables(gather(answer_store(folder / "a.db"))).size(), 2U);
}

}  // namespace
}  // namespace nibble::report
