#include "rag/trec.h"

#include <gmock/gmock.h>

#include "support/files.h"

namespace nibble::rag {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::HasSubstr;

class TrecTest : public ::testing::Test {
 protected:
  std::filesystem::path file(std::string_view text) {
    write_file(folder_ / "f", text);
    return folder_ / "f";
  }
  TempFolder folder_;
};

TEST_F(TrecTest, ReadsQuestions) {
  const auto read =
      read_questions(file("{\"_id\": \"a\", \"text\": \"x?\"}\n{\"_id\": 2, \"text\": \"\"}\n"));
  ASSERT_TRUE(read);
  EXPECT_EQ((*read).at(0).text, "x?");
  EXPECT_EQ((*read).at(1).id, "2");
  EXPECT_THAT(
      read_questions(file("{\"_id\": \"a\", \"text\": \"\"}\n{\"_id\": \"a\", \"text\": \"\"}"))
          .failure()
          .message,
      HasSubstr("two questions"));
  EXPECT_THAT(read_questions(file("{\"text\": \"\"}")).failure().message, HasSubstr("question 1"));
}

TEST_F(TrecTest, ReadsBothKindsOfJudgements) {
  for (const char* text :
       {"query-id\tcorpus-id\tscore\n1\td9\t2\n1\td8\t0\n", "1 0 d9 2\n1 0 d8 0\n"}) {
    const auto read = read_judgements(file(text));
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->at("1").at("d9"), 2);
    EXPECT_EQ(read->at("1").at("d8"), 0);
  }
  EXPECT_THAT(read_judgements(file("h h h\n1 d 1\n1 d 2\n")).failure().message,
              HasSubstr(":3: 'd' is judged twice"));
  EXPECT_THAT(read_judgements(file("1 d 1\n1 d x\n")).failure().message, HasSubstr(":2:"));
  EXPECT_THAT(read_judgements(file("q d s\n")).failure().message, HasSubstr("no judgement"));
}

TEST_F(TrecTest, ReadsTheRunsThatItWrites) {
  rag::Run run;
  run["q1"] = {{"a", 1.0}, {"b", 2.5}, {"c", 1.0}};
  sort_run(run);
  EXPECT_EQ(run_text(run, "tag"), "q1 Q0 b 1 2.5 tag\nq1 Q0 c 2 1 tag\nq1 Q0 a 3 1 tag\n");
  const auto read = read_run(file(run_text(run, "tag")));
  ASSERT_TRUE(read);
  EXPECT_EQ(run_text(read.value(), "tag"), run_text(run, "tag"));
  EXPECT_THAT(read_run(file("q Q0 a 1 2 t\nq Q0 a 2 1 t\n")).failure().message, HasSubstr(":2:"));
  EXPECT_THAT(read_run(file("q Q0 a 1 high t\n")).failure().message, HasSubstr(":1:"));
  EXPECT_THAT(read_run(file("q Q0 a 1 nan t\n")).failure().message, HasSubstr(":1:"));
}

}  // namespace
}  // namespace nibble::rag
