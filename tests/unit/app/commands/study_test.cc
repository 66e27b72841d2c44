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
