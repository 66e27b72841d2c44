#include "data/squad.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SquadTest : public ::testing::Test {
 protected:
  Result<DataSet<SquadRecord>> read(std::string_view content) {
    testing::write_file(folder_ / "s.json", content);
    return squad_records(folder_ / "s.json");
  }
  testing::TempFolder folder_;
};

TEST_F(SquadTest, FlattensArticlesInOrder) {
  const auto set = read(R"({"version":"1.1","data":[
    {"title":"T","paragraphs":[
      {"context":"C1","qas":[{"id":"1","question":"Q1",
                              "answers":[{"text":"a","answer_start":0},{"text":"b"}]},
                             {"id":"2","question":"Q2","answers":[]}]},
      {"context":"C2","qas":[{"id":"3","question":"Q3","answers":[{"text":"c"}]}]}]}]})")
                       .take();
  ASSERT_EQ(set.rows.size(), 3U);
  EXPECT_EQ(set.rows[0].title, "T");
  EXPECT_EQ(set.rows[0].context, "C1");
  EXPECT_THAT(set.rows[0].answers, ElementsAre("a", "b"));
  EXPECT_TRUE(set.rows[1].answers.empty());
  EXPECT_EQ(set.rows[2].context, "C2");
  EXPECT_EQ(set.rows[2].question, "Q3");
}

TEST_F(SquadTest, SaysWhereAFieldIsMissing) {
  EXPECT_THAT(read("[]").failure().message, HasSubstr("s.json: no list 'data'"));
  EXPECT_THAT(read("{\"data\":[]}").failure().message, HasSubstr("s.json: no questions"));
  EXPECT_THAT(read("{\"data\":[1]}").failure().message, HasSubstr("data[0]: no list 'paragraphs'"));
  EXPECT_THAT(read(R"({"data":[{"paragraphs":[{"context":"C","qas":[{"id":"1","answers":[]}]}]}]})")
                  .failure()
                  .message,
              HasSubstr("s.json: data[0].paragraphs[0].qas[0]: no text 'question'"));
  EXPECT_THAT(read("{\"data\":").failure().message, HasSubstr("s.json:1:"));
}

TEST_F(SquadTest, ReadsTheDevSet) {
  NIBBLE_NEEDS_FILE(folder, testing::data_folder());
  const auto set = squad_records(folder / "squad/dev-v1.1.json.gz").take();
  EXPECT_EQ(set.rows.size(), 7793U);
  EXPECT_EQ(set.sha256, "518b1f9ce950cf1c89fdafe25d94dccdf9e2bcba56be6f7af399d444e543606e");
  EXPECT_FALSE(set.rows[0].answers.empty());
}

}  // namespace
}  // namespace nibble::data
