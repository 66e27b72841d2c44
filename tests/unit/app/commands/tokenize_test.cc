#include <gmock/gmock.h>

#include "support/files.h"

namespace nibble::app {
namespace {

using nibble::testing::demo_model;
using nibble::testing::run_program;
using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr std::string_view kTokenizer = R"({"added_tokens": [
    {"id": 0, "content": "[UNK]", "special": true}, {"id": 1, "content": "[CLS]", "special": true}],
  "normalizer": {"type": "BertNormalizer"}, "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[UNK]", 0]},
  "decoder": {"type": "WordPiece"},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "[CLS]": 1,
    "a": 2, "##b": 3}}})";

class Tokenize : public ::testing::Test {
 protected:
  Tokenize() { write_file(folder_ / "tokenizer.json", kTokenizer); }
  testing::CommandResult run(const std::string& options, std::string_view input = {}) {
    return run_program("tokenize " + folder_.path().string() + " " + options, input);
  }
  TempFolder folder_;
};

TEST_F(Tokenize, LinesOfTextToIdsAndBack) {
  const auto encoded = run("", "{\"text\": \"a AB\"}\n\n{\"text\": \"\"}\n");
  EXPECT_EQ(encoded.out, "{\"ids\":[2,2,3]}\n{\"ids\":[]}\n");
  EXPECT_EQ(encoded.exit_code, 0);
  EXPECT_EQ(run("--decode", encoded.out).out, "{\"text\":\"a ab\"}\n{\"text\":\"\"}\n");
}

TEST_F(Tokenize, SpecialTokens) {
  EXPECT_EQ(run("--add-special --text a").out, "{\"ids\":[1,2,0]}\n");
  EXPECT_EQ(run("--decode", "{\"ids\": [1,2]}").out, "{\"text\":\"[CLS] a\"}\n");
  EXPECT_EQ(run("--decode --skip-special", "{\"ids\": [1,2]}").out, "{\"text\":\"a\"}\n");
}

TEST_F(Tokenize, ReadsAFile) {
  write_file(folder_ / "in.jsonl", "{\"text\": \"a\"}\n");
  EXPECT_EQ(run("--input " + (folder_ / "in.jsonl").string()).out, "{\"ids\":[2]}\n");
}

TEST_F(Tokenize, ErrorsNameTheLine) {
  const auto broken = run("", "{\"text\": \"a\"}\n{\"text\": 1}\n");
  EXPECT_EQ(broken.exit_code, 3);
  EXPECT_EQ(broken.out, "{\"ids\":[2]}\n");  // what came before stands
  EXPECT_EQ(broken.err, "nibble: standard input:2: \"text\": expected \"…\"\n");
  EXPECT_THAT(run("", "{\"text\": \"\xFF\"}").err, HasSubstr("standard input:1:"));
  EXPECT_THAT(run("", "{").err, HasSubstr("standard input:1:2: "));
  EXPECT_THAT(run("--decode", "{\"ids\": [9]}").err,
              EndsWith("standard input:1: token id 9 is outside the vocabulary of 4 tokens\n"));
  EXPECT_EQ(run("--decode", "{\"ids\": [9]}").exit_code, 3);
  EXPECT_THAT(run("--decode", "{\"ids\": [1.5]}").err,
              HasSubstr("\"ids\": expected [integers], found 1.5"));
  EXPECT_THAT(run("--decode", "{\"ids\": [-1]}").err, HasSubstr("token id -1 is outside"));
  EXPECT_THAT(run("--decode", "{\"ids\": \"x\"}").err, HasSubstr("\"ids\": expected [integers]"));
}

TEST_F(Tokenize, WrongUse) {
  EXPECT_EQ(run("--text a --decode").exit_code, 2);
  EXPECT_EQ(run("--skip-special").exit_code, 2);
  EXPECT_EQ(run_program("tokenize").exit_code, 2);
  const auto missing = run_program("tokenize /nonexistent.gguf --text a");
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("/nonexistent.gguf"));
  write_file(folder_ / "tokenizer.json", "{\"model\": ");
  const auto corrupt = run("--text a");
  EXPECT_EQ(corrupt.exit_code, 3);
  EXPECT_THAT(corrupt.err, HasSubstr("tokenizer.json:1:11: "));
}

TEST(TokenizeGguf, DemoModel) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  EXPECT_EQ(run_program("tokenize " + model.string() + " --text 'Hello world'").out,
            "{\"ids\":[19556,905]}\n");
}

}  // namespace
}  // namespace nibble::app
