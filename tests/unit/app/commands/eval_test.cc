#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using testing::run_program;

TEST(Eval, ReportsValuesWithIntervals) {
  NIBBLE_NEEDS_FILE(model, testing::demo_model());
  const std::string arguments = "eval " + model.string() +
                                " -q -t demo_perplexity,demo_choice -L 3 " + "--data " +
                                testing::source_path("examples").string();
  const auto table = run_program(arguments);
  ASSERT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("demo_perplexity          perplexity                   3"));
  const auto json = nlohmann::json::parse(run_program(arguments + " --json").out);
  EXPECT_EQ(json.at("arithmetic"), "deterministic");
  EXPECT_EQ(json.at("model_hash").get<std::string>().size(), 64U);
  const auto& choice = json.at("tasks").at(1);
  EXPECT_EQ(choice.at("task"), "demo_choice");
  EXPECT_EQ(choice.at("metrics").at(0).at("n"), 3);
  EXPECT_EQ(choice.at("metrics").at(0).at("unanswered"), 0);
  EXPECT_EQ(choice.at("n_shots"), 0);
  EXPECT_TRUE(choice.at("n_documents").is_null());  // this task does not count them
  EXPECT_EQ(choice.at("asked_in_part"), 0);
  EXPECT_EQ(choice.at("ended_by_length"), 0);
  EXPECT_LT(choice.at("metrics").at(0).at("low").get<double>(),
            choice.at("metrics").at(0).at("high").get<double>());
  EXPECT_LT(json.at("computed_tokens").get<std::size_t>(),
            json.at("request_tokens").get<std::size_t>());
}

TEST(Eval, WritesLmEvalsFilesBesideAStoreAndGoesOnFromIt) {
  NIBBLE_NEEDS_FILE(model, testing::demo_model());
  const testing::TempFolder folder;
  const std::string arguments = "eval " + model.string() + " -t demo_choice -L 3 --json --data " +
                                testing::source_path("examples").string() + " -o " +
                                folder.path().string();
  const auto first = run_program(arguments);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto json = nlohmann::json::parse(first.out);
  const std::filesystem::path results = json.at("results_file").get<std::string>();
  EXPECT_EQ(nlohmann::json::parse(testing::read_file(results))
                .at("n-samples")
                .at("demo_choice")
                .at("effective"),
            3);
  EXPECT_TRUE(std::filesystem::exists(results.parent_path() / "eval.db"));
  EXPECT_GT(json.at("computed_tokens"), 0);
  const auto again = nlohmann::json::parse(run_program(arguments).out);
  EXPECT_EQ(again.at("computed_tokens"), 0);  // all of it is stored
  EXPECT_EQ(again.at("tasks"), json.at("tasks"));
}

TEST(Eval, RejectsAnUnknownTaskBeforeTheModelIsRead) {
  const auto result = run_program("eval nowhere.gguf -t arc_eazy");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(
      result.err,
      "nibble: unknown task 'arc_eazy' (did you mean 'arc_easy'?); nibble tasks lists them\n");
}

TEST(Eval, RunsNoCodeUnlessItIsAllowed) {
  const auto result = run_program("eval nowhere.gguf -t humaneval");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--allow-code"));
}

TEST(Eval, NamesTheMissingModel) {
  const auto result = run_program("eval nowhere.gguf -t arc_easy");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("nowhere.gguf"));
}

}  // namespace
}  // namespace nibble::app
