#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/files.h"

namespace nibble::testing {
namespace {

using ::testing::HasSubstr;

TEST(BenchCommand, MeasuresPromptAndGeneration) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const CommandResult result =
      run_program("bench " + model.string() + " -p 16,40 -n 4 -r 2 -t 1 --json");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["threads"], 1);
  EXPECT_EQ(document["arithmetic"], "native");
  ASSERT_EQ(document["tests"].size(), 3U);
  EXPECT_EQ(document["tests"][1]["test"], "pp40");
  EXPECT_EQ(document["tests"][2]["test"], "tg4");
  for (const auto& test : document["tests"]) {
    const double a = test["samples_tok_s"][0];
    const double b = test["samples_tok_s"][1];
    EXPECT_GT(std::min(a, b), 0.0);
    EXPECT_NEAR(test["mean_tok_s"], (a + b) / 2.0, 1e-9 * (a + b));
    EXPECT_NEAR(test["stdev_tok_s"], std::abs(a - b) / std::sqrt(2.0), 1e-6 * (a + b));
  }
}

TEST(BenchCommand, GeneratesInBatches) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const CommandResult result =
      run_program("bench " + model.string() + " -p 0 -n 3,5 -b 1,4 -r 1 -t 1 --json");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto tests = nlohmann::json::parse(result.out)["tests"];
  ASSERT_EQ(tests.size(), 4U);
  EXPECT_EQ(tests[0]["test"], "tg3");
  EXPECT_EQ(tests[1]["test"], "tg3 x 4");
  EXPECT_EQ(tests[3]["tokens"], 5);
  EXPECT_EQ(tests[3]["batch"], 4);
  EXPECT_GT(tests[3]["mean_tok_s"], 0.0);
}

TEST(BenchCommand, MeasuresBehindAFilledCacheOfAScheme) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const CommandResult result =
      run_program("bench " + model.string() + " -p 0 -n 2 -d 0,150 -r 2 --kv kivi-2 --json");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["kv"], "kivi-2");
  ASSERT_EQ(document["tests"].size(), 2U);
  EXPECT_EQ(document["tests"][0]["test"], "tg2");
  EXPECT_EQ(document["tests"][1]["test"], "tg2 @ d150");
  EXPECT_EQ(document["tests"][1]["depth"], 150);
  EXPECT_GT(document["tests"][1]["mean_tok_s"], 0.0);
  const CommandResult tables = run_program("bench " + model.string() + " -p 8 --kv kvquant-4");
  EXPECT_EQ(tables.exit_code, 3);
  EXPECT_THAT(tables.err, HasSubstr("kvquant-4 needs the tables of a calibration"));
  const CommandResult deep = run_program("bench " + model.string() + " -p 9 -n 0 -d 8190");
  EXPECT_THAT(deep.err, HasSubstr("a test of 8199 tokens"));
}

TEST(BenchCommand, RefusesWhatCannotBeMeasured) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const CommandResult too_long = run_program("bench " + model.string() + " -p 9000 -n 0");
  EXPECT_EQ(too_long.exit_code, 2);
  EXPECT_THAT(too_long.err, HasSubstr("wanted at most the model's context of 8192"));
  const CommandResult nothing = run_program("bench " + model.string() + " -p 0 -n 0");
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("nothing to measure"));
  EXPECT_EQ(run_program("bench " + model.string() + " -p -1").exit_code, 2);
}

TEST(BenchCommand, RefusesWhatItCannotRun) {
  const CommandResult missing = run_program("bench /nonexistent.gguf");
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("/nonexistent.gguf"));
  const CommandResult mode = run_program("bench /nonexistent.gguf --arithmetic fp8");
  EXPECT_EQ(mode.exit_code, 2);
  EXPECT_THAT(mode.err, HasSubstr("wanted f32, native or deterministic"));
  EXPECT_EQ(run_program("bench /nonexistent.gguf -b 0").exit_code, 2);
}

}  // namespace
}  // namespace nibble::testing
