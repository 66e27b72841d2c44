#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kRest =
    "[[task]]\nname = \"demo_choice\"\nlimit = 2\n[[variant]]\nrecipe = \"none\"\n";

testing::CommandResult run_study(const testing::TempFolder& folder,
                                 std::string_view text,
                                 std::string_view options = "") {
  testing::write_file(folder / "study.toml", text);
  return testing::run_program(
      fmt::format("study {} {}", (folder / "study.toml").string(), options));
}

TEST(Study, BadFilesAreRejectedWithTheirPlace) {
  const testing::TempFolder folder;
  auto run = run_study(folder, "name = \"x\"\nmodle = \"demo\"\n");
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("study.toml"));
  EXPECT_THAT(run.err, HasSubstr("study.toml:2:1: unknown key 'modle' (did you mean 'model'?)"));
  run = run_study(folder,
                  fmt::format("name = \"x\"\nmodel = \"no.gguf\"\n{}[[variant]]\nrecipe = "
                              "\"hqq-int5\"\n",
                              kRest));
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("study.toml:9:10: 'recipe': "));
  run = run_study(folder, fmt::format("name = \"x\"\nmodel = \"no.gguf\"\n{}", kRest));
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("no.gguf"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  EXPECT_EQ(testing::run_program("study /no/such/study.toml").exit_code, 3);
}

TEST(Study, RunsReportsAndRefusesAnotherStudysFolder) {
  NIBBLE_NEEDS_FILE(model, testing::demo_model());
  const testing::TempFolder folder;
  const auto text = [&](std::string_view name) {
    return fmt::format("name = \"{}\"\nmodel = \"{}\"\ndata = \"{}\"\n{}",
                       name,
                       model.string(),
                       testing::source_path("examples/demo").string(),
                       kRest);
  };
  const auto planned = run_study(folder, text("first"), "--plan");
  EXPECT_EQ(planned.exit_code, 0);
  EXPECT_THAT(planned.err, HasSubstr("0 of 2 samples stored"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));

  const auto run = run_study(folder, text("first"));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto page = folder / "out/report/index.html";
  EXPECT_EQ(run.out, page.string() + "\n");
  EXPECT_THAT(testing::read_file(page), HasSubstr("demo_choice"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out/lm-eval"));
  const auto again = run_study(folder, text("first"), "--lm-eval");
  EXPECT_THAT(again.err, HasSubstr("2 of 2 samples stored"));
  EXPECT_THAT(again.err, HasSubstr("out/lm-eval/reference/results_"));

  const auto refused = run_study(folder, text("second"));
  EXPECT_EQ(refused.exit_code, 8);
  EXPECT_THAT(refused.err, HasSubstr("study: stored 'first', now 'second'"));
}

TEST(Study, ATaskOfOnesOwnLiesBesideTheStudyFile) {
  NIBBLE_NEEDS_FILE(model, testing::demo_model());
  const testing::TempFolder folder;
  std::filesystem::create_directories(folder / "quiz");
  testing::write_file(
      folder / "quiz/own.toml",
      "name = \"my_quiz\"\nversion = 1\nkind = \"choice\"\nsummary = \"s\"\nmetrics = [\"acc\"]\n"
      "[data]\nfiles = [\"own.jsonl\"]\n[prompt]\ntext = \"{{ q }}\"\nchoices = \"{{ c }}\"\n"
      "target = \"{{ a }}\"\n");
  testing::write_file(folder / "quiz/own.jsonl",
                      "{\"q\": \"The sky is\", \"c\": [\"blue\", \"made of brass\"], \"a\": 0}\n");
  const std::string text = fmt::format(
      "name = \"own\"\nmodel = \"{}\"\n[[task]]\nname = \"quiz/own.toml\"\n[[variant]]\n"
      "recipe = \"none\"\n",
      model.string());
  const auto run = run_study(folder, text, "--lm-eval");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(testing::read_file(folder / "out/report/tables/quality.csv"), HasSubstr("my_quiz"));
  const auto again = run_study(folder, text, "--plan --unit reference/my_quiz");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("1 of 1 samples stored"));
  EXPECT_THAT(again.err, HasSubstr("weights: not read"));
}

TEST(Study, CodeOfAModelWantsAWordOnTheCommandLine) {
  NIBBLE_NEEDS_FILE(model, testing::demo_model());
  const testing::TempFolder folder;
  const auto run = run_study(
      folder,
      fmt::format("name = \"x\"\nmodel = \"{}\"\n[[task]]\nname = \"humaneval\"\n[[variant]]\n"
                  "recipe = \"none\"\n",
                  model.string()));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("nibble study --allow-code"));
}

}  // namespace
}  // namespace nibble::app
