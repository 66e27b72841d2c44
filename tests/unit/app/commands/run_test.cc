#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "app/exit_code.h"
#include "base/json.h"
#include "support/files.h"

namespace nibble::app {
namespace {

using nibble::testing::demo_model;
using nibble::testing::run_program;
using ::testing::HasSubstr;

TEST(Run, GoesOnFromAPrompt) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const std::string call = "run " + model.string() + " -n 8 --arithmetic f32 ";
  const auto plain = run_program(call + "-p 'The capital of France is'");
  EXPECT_EQ(plain.exit_code, kDone) << plain.err;
  EXPECT_EQ(plain.out, " Paris.\n\nThe answer is:\n");
  EXPECT_THAT(plain.err, HasSubstr("5 prompt tokens"));
  EXPECT_EQ(run_program(call + "-q -p -", "The capital of France is").out, plain.out);
}

TEST(Run, PrintsOneObjectWithJson) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto result = run_program("run " + model.string() +
                                  " --json -q -n 3 --arithmetic f32 -p 'The capital of France is'");
  const Json json = parse_json(result.out, "output").take();
  EXPECT_EQ(json.at("text"), " Paris.\n");
  EXPECT_EQ(json.at("ids"), Json::array({7042, 30, 198}));
  EXPECT_EQ(json.at("stop_reason"), "limit");
  EXPECT_EQ(json.at("n_prompt_tokens"), 5);
  EXPECT_GT(json.at("decode_tok_s").get<double>(), 0.0);
}

TEST(Run, StartsFromPackedWeightsThatItKept) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const nibble::testing::TempFolder folder;
  std::filesystem::create_symlink(model, folder / "m.gguf");
  const std::string call =
      "run " + (folder / "m.gguf").string() + " -n 4 -p 'The capital of France is'";
  const auto plain = run_program(call);
  EXPECT_FALSE(std::filesystem::exists(folder / "m.gguf.packed"));
  const auto writing = run_program(call + " --keep-packed");
  EXPECT_THAT(writing.err, HasSubstr("packed weights kept in "));
  const auto reading = run_program(call + " --keep-packed");
  EXPECT_THAT(reading.err, ::testing::Not(HasSubstr("packed weights")));
  EXPECT_EQ(writing.out, plain.out);
  EXPECT_EQ(reading.out, plain.out);
}

TEST(Run, OneTokenHasNoDecodeRate) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto result = run_program("run " + model.string() + " --json -q -n 1 -p 'The capital'");
  const Json json = parse_json(result.out, "output").take();
  EXPECT_TRUE(json.at("decode_tok_s").is_null());
  EXPECT_GT(json.at("first_token_ms").get<double>(), 0.0);
}

TEST(Run, RefusesAPromptThatFillsTheContext) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  std::string prompt;
  for (int i = 0; i < 9000; ++i) {
    prompt += " word";
  }
  const auto result = run_program("run " + model.string() + " -q -p -", prompt);
  EXPECT_EQ(result.exit_code, kUsage);
  EXPECT_THAT(result.err, HasSubstr("wanted fewer than the model's context of 8192"));
}

TEST(Run, RefusesWhatItCannotRun) {
  const auto missing = run_program("run /nowhere/model.gguf -p x");
  EXPECT_EQ(missing.exit_code, kInputRejected);
  EXPECT_THAT(missing.err, HasSubstr("/nowhere/model.gguf"));
  const auto arithmetic = run_program("run /nowhere/model.gguf -p x --arithmetic f8");
  EXPECT_EQ(arithmetic.exit_code, kUsage);
  EXPECT_THAT(arithmetic.err, HasSubstr("--arithmetic: 'f8': wanted f32, native or deterministic"));
}

TEST(Run, AModelThatIsNotThereIsSaidBeforeAPromptThatIsNot) {
  const auto missing = run_program("run /nowhere/model.gguf");
  EXPECT_EQ(missing.exit_code, kInputRejected);
  EXPECT_THAT(missing.err, HasSubstr("/nowhere/model.gguf: no such file or folder"));
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto without = run_program("run " + model.string());
  EXPECT_EQ(without.exit_code, kUsage);
  EXPECT_THAT(without.err, HasSubstr("--prompt is required"));
}

TEST(Run, ADeviceThatIsNotThereIsNamed) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto absent = run_program("run " + model.string() + " -p x --device cuda:99");
  EXPECT_NE(absent.exit_code, 0);
  EXPECT_THAT(absent.err, HasSubstr("device 'cuda:99'"));
  const auto unknown = run_program("run " + model.string() + " -p x --device tpu");
  EXPECT_EQ(unknown.exit_code, kUsage);
  EXPECT_THAT(unknown.err, HasSubstr("wanted cpu, cuda or cuda:N"));
}

TEST(Run, AnEmptyPromptIsAUsageError) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto empty = run_program("run " + model.string() + " -p ''");
  EXPECT_EQ(empty.exit_code, kUsage);
  EXPECT_THAT(empty.err, HasSubstr("--prompt is empty"));
}

}  // namespace
}  // namespace nibble::app
