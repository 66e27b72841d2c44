#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "unit/quant/tiny_checkpoint.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Quantize : public ::testing::Test {
 protected:
  Quantize() { quant::write_tiny_checkpoint(folder_ / "tiny"); }

  testing::CommandResult quantize(std::string_view arguments) {
    return testing::run_program(
        fmt::format("quantize {} {}", (folder_ / "tiny").string(), arguments));
  }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  std::size_t n_entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }

  testing::TempFolder folder_;
};

TEST_F(Quantize, PrintsThePlanThenWrites) {
  const auto done = quantize("-r hqq-int4 -o " + path("out"));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, StartsWith("Recipe hqq-int4 ("));
  EXPECT_THAT(done.out, HasSubstr("7 weights quantized"));
  EXPECT_TRUE(fs::exists(folder_ / "out/config.json"));
}

TEST_F(Quantize, PlanAloneWritesNothing) {
  const auto done = quantize("-r nf4 --plan --json");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(nlohmann::json::parse(done.out).at("weights").size(), 12U);
  EXPECT_EQ(n_entries(), 1U);
}

TEST_F(Quantize, SaysWhichDeviceItLacks) {
  const auto absent = quantize("-r hqq-int4 --device cuda:99 -o " + path("out"));
  EXPECT_EQ(absent.exit_code, 4);
  EXPECT_THAT(absent.err, HasSubstr("device 'cuda:99'"));
  const auto unknown = quantize("-r hqq-int4 --device tpu -o " + path("out"));
  EXPECT_THAT(unknown.err, HasSubstr("device 'tpu': wanted cpu, cuda or cuda:N"));
  EXPECT_EQ(n_entries(), 1U) << "something was left behind";
}

TEST_F(Quantize, JsonIsOneDocument) {
  const auto done = quantize("-q --json -r nf4 -o " + path("out"));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(nlohmann::json::parse(done.out).at("weights").size(), 7U);
  EXPECT_EQ(done.err, "");
}

TEST_F(Quantize, AnExistingFolderNeedsForce) {
  ASSERT_EQ(quantize("-r nf4 -o " + path("out")).exit_code, 0);
  const auto refused = quantize("-r rtn-int8 -o " + path("out"));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("exists already; name a new folder or give --force"));
  ASSERT_EQ(quantize("--force -r rtn-int8 -o " + path("out")).exit_code, 0);
  EXPECT_THAT(testing::read_file(folder_ / "out/config.json"), HasSubstr("rtn-int8"));
  EXPECT_EQ(n_entries(), 2U) << "something was left behind";
}

TEST_F(Quantize, ASlashBehindTheFolderChangesNothing) {
  ASSERT_EQ(quantize("-r nf4 -o " + path("out/")).exit_code, 0);
  ASSERT_EQ(quantize("--force -r rtn-int8 -o " + path("out/")).exit_code, 0);
  EXPECT_THAT(testing::read_file(folder_ / "out/config.json"), HasSubstr("rtn-int8"));
  fs::create_directory(folder_ / "empty");
  ASSERT_EQ(quantize("-r nf4 -o " + path("empty/")).exit_code, 0);
  EXPECT_EQ(n_entries(), 3U) << "something was left behind";
}

TEST_F(Quantize, ForceReplacesOnlyWhatItWrote) {
  fs::create_directory(folder_ / "mine");
  testing::write_file(folder_ / "mine/thesis.txt", "years of work");
  const auto refused = quantize("--force -r nf4 -o " + path("mine"));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("was not written by nibble quantize"));
  EXPECT_EQ(testing::read_file(folder_ / "mine/thesis.txt"), "years of work");
}

TEST_F(Quantize, ForceNeverReplacesAModelFromElsewhere) {
  fs::copy(folder_ / "tiny", folder_ / "original", fs::copy_options::recursive);
  const std::string before = testing::read_file(folder_ / "original/model.safetensors");
  const auto refused = quantize("--force -r nf4 -o " + path("original"));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("was not written by nibble quantize"));
  EXPECT_EQ(testing::read_file(folder_ / "original/model.safetensors"), before);
}

TEST_F(Quantize, ANameThatEndsInGgufBecomesAFile) {
  fs::remove(folder_ / "tiny/tokenizer.json");  // of a kind that GGUF cannot describe
  const auto done = quantize("-r gguf-q4_k_m -o " + path("out.gguf"));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(testing::read_file(folder_ / "out.gguf").substr(0, 4), "GGUF");
  EXPECT_EQ(n_entries(), 2U);  // nothing but the model and the file
  EXPECT_EQ(quantize("-r gguf-q8_0 -o " + path("out.gguf")).exit_code, 2);
  EXPECT_EQ(quantize("--force -r gguf-q8_0 -o " + path("out.gguf")).exit_code, 0);
  testing::write_file(folder_ / "other.gguf", "GGUF of mine");
  EXPECT_THAT(quantize("--force -r gguf-q8_0 -o " + path("other.gguf")).err,
              HasSubstr("was not written by nibble quantize"));
}

TEST_F(Quantize, AnImportanceMatrixIsWrittenAndUsed) {
  std::string text;
  for (int i = 0; i < 64; ++i) {
    text += fmt::format("{{\"tokens\": [{}]}}\n", i * 7 % 27);
  }
  testing::write_file(folder_ / "text.jsonl", text);
  const auto made =
      testing::run_program(fmt::format("imatrix {} -o {} --source {} --windows 8 --window-tokens 8",
                                       path("tiny"),
                                       path("i.gguf"),
                                       path("text.jsonl")));
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("inputs of 7 weights over 64 tokens"));
  const auto done =
      quantize("-r gguf-q4_k_m-imatrix --imatrix " + path("i.gguf") + " -o " + path("out"));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("not_in_importance_file in 2 weights"));  // embedding and head
  EXPECT_THAT(quantize("-r nf4 --imatrix " + path("i.gguf") + " -o " + path("x")).err,
              HasSubstr("no stage of method gguf"));
}

TEST_F(Quantize, WhatGgufCannotHoldLeavesNothingBehind) {
  fs::remove(folder_ / "tiny/tokenizer.json");
  const auto refused = quantize("-r nf4 -o " + path("out.gguf"));
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("self_attn.q_proj.weight"));
  EXPECT_EQ(n_entries(), 1U);
}

TEST_F(Quantize, InputAsOutputIsRefused) {
  const std::string before = testing::read_file(folder_ / "tiny/model.safetensors");
  const auto refused = quantize("--force -r nf4 -o " + path("tiny/../tiny"));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("is the input"));
  EXPECT_EQ(testing::read_file(folder_ / "tiny/model.safetensors"), before);
}

TEST_F(Quantize, MistakesEndWithTheirExitCodeAndWriteNothing) {
  EXPECT_THAT(quantize("-r nf5 -o " + path("out")).err,
              HasSubstr("no recipe 'nf5' (did you mean 'nf4'?)"));
  EXPECT_EQ(quantize("-r nf5 -o " + path("out")).exit_code, 3);
  EXPECT_EQ(quantize("-r nf4").exit_code, 2);
  EXPECT_EQ(quantize("-o " + path("out")).exit_code, 2);
  EXPECT_EQ(testing::run_program("quantize /no/such/model -r nf4 -o " + path("out")).exit_code, 3);
  EXPECT_EQ(quantize("-r nf4 -o /proc/no/out").exit_code, 5);
  EXPECT_EQ(n_entries(), 1U);
}

}  // namespace
}  // namespace nibble::app
