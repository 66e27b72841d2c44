// Answers from documents, as users ask for them.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/files.h"

namespace nibble::app {
namespace {

using nibble::testing::demo_model;
using nibble::testing::run_program;
using nibble::testing::source_path;
using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::HasSubstr;

class RagAnswers : public ::testing::Test {
 protected:
  RagAnswers() {
    std::filesystem::create_directory(folder_ / "docs");
    write_file(folder_ / "docs/mill.md",
               "# The Harbour Mill\n\nThe mill was built by Edda Rusk.\n");
    write_file(folder_ / "docs/dogs.txt", "A dog runs after the ball.\n");
    run_program("rag index " + path("docs") + " -o " + path("i.rag"));
  }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  TempFolder folder_;
};

TEST_F(RagAnswers, AskAnswersFromThePassages) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const std::string ask = "rag ask " + model.string() + " " + path("i.rag");
  const auto asked = run_program(ask + " \"Who built the mill?\" --json -n 12");
  ASSERT_EQ(asked.exit_code, 0) << asked.err;
  const auto json = nlohmann::json::parse(asked.out);
  EXPECT_EQ(json.at("documents").at(0).at("document"), "mill.md");
  EXPECT_EQ(json.at("documents").at(0).at("number"), 1);
  EXPECT_FALSE(json.at("answer").get<std::string>().empty());
  EXPECT_GT(json.at("n_prompt_tokens"), 20);
  EXPECT_THAT(run_program(ask + " \"Who built the mill?\" -n 4").out, HasSubstr("[1] mill.md"));
}

TEST_F(RagAnswers, AskSaysWhatDoesNotFit) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const std::string ask = "rag ask " + model.string() + " " + path("i.rag");
  EXPECT_EQ(run_program(ask + " \" \"").exit_code, 2);
  const auto small = run_program(ask + " \"Who built the mill?\" --budget 10");
  EXPECT_EQ(small.exit_code, 2);
  EXPECT_THAT(small.err, HasSubstr("the question does not fit: a prompt may have 10 tokens"));
  const auto foreign = run_program(ask + " \"Wer schläft?\" -n 2");
  EXPECT_EQ(foreign.exit_code, 0);
  EXPECT_THAT(foreign.err, HasSubstr("answered without documents"));
}

TEST_F(RagAnswers, EvalJudgesATaskForEachLengthAndPosition) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto result =
      run_program("rag eval " + model.string() + " demo -L 2 --max-answer 4 --json " +
                  "--documents 3 --gold-at 0,2 -d " + source_path("examples").string());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto tasks = nlohmann::json::parse(result.out).at("tasks");
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(tasks.at(0).at("task"), "demo gold 0 of 3");
  EXPECT_EQ(tasks.at(1).at("task"), "demo gold 2 of 3");
  EXPECT_EQ(tasks.at(0).at("metrics").at(0).at("name"), "f1");
  EXPECT_EQ(tasks.at(0).at("metrics").at(0).at("n"), 2);
}

TEST_F(RagAnswers, EvalGoesOnFromItsStore) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const std::string eval =
      "rag eval " + model.string() +
      " demo -L 2 --max-answer 4 --json --context retrieved --documents 1 --index " +
      path("i.rag") + " -d " + source_path("examples").string() + " -o " + path("out");
  const auto first = run_program(eval);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_GT(nlohmann::json::parse(first.out).at("computed_tokens"), 0);
  EXPECT_EQ(nlohmann::json::parse(run_program(eval).out).at("computed_tokens"), 0);
}

TEST_F(RagAnswers, EvalWantsSetsOrJudgements) {
  const auto neither = run_program("rag eval model.gguf");
  EXPECT_EQ(neither.exit_code, 2);
  EXPECT_THAT(neither.err, HasSubstr("sets of questions"));
  const auto unknown = run_program("rag eval model.gguf squat -d .");
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'squad'?"));
  EXPECT_EQ(
      run_program("rag eval m.gguf demo --context golden -d " + source_path("examples").string())
          .exit_code,
      3);  // the model is read first
}

}  // namespace
}  // namespace nibble::app
