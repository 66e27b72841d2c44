#include "quant/calibrate/windows.h"

#include <gmock/gmock.h>

#include "quant/recipe.h"
#include "support/files.h"
#include "text/tokenizer_files.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Windows : public ::testing::Test {
 protected:
  Windows() {
    write_file(folder_ / "tokenizer.json", tiny_tokenizer());
    tokenizer_ = text::open_tokenizer(folder_ / "tokenizer.json").take();
  }
  Result<CalibrationWindows> make(const CalibrationSpec& spec) {
    return make_windows(spec, folder_.path(), *tokenizer_);
  }

  TempFolder folder_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
};

TEST_F(Windows, ConsecutiveOnesOfATextFollowOneAnother) {
  write_file(folder_ / "own.txt", "a b c d e f g");
  const auto got = make({.source = "own.txt", .n_windows = 3, .window = 2}).take();
  EXPECT_THAT(got.ids, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(got.n_windows, 3U);
  EXPECT_EQ(got.sha256.size(), 64U);
}

TEST_F(Windows, SkippedLinesAreLeftOut) {
  write_file(folder_ / "own.jsonl", "{\"text\": \"a b\"}\n{\"text\": \"c d e\"}\n");
  CalibrationSpec spec{.source = "own.jsonl", .n_windows = 1, .window = 3, .skip = 1};
  EXPECT_THAT(make(spec).take().ids, ElementsAre(3, 4, 5));
  spec.skip = 7;
  EXPECT_EQ(make(spec).failure().code, ErrorCode::kCorruptData);
  write_file(folder_ / "own.txt", "a b c d");
  spec.source = "own.txt";
  EXPECT_EQ(make(spec).failure().code, ErrorCode::kInvalidArgument);
}

TEST_F(Windows, QuestionsAreReadWithTheirPassages) {
  write_file(folder_ / "rag.jsonl",
             R"({"question": "a b", "passages": ["c d e"]})"
             "\n");
  const auto all = make({.source = "rag", .n_windows = 1, .window = 5}).take();
  EXPECT_EQ(all.file.filename(), "rag.jsonl");
}

TEST_F(Windows, TokenListsAreJoined) {
  write_file(folder_ / "t.jsonl", "{\"tokens\": [3, 1]}\n{\"tokens\": [4, 1, 5]}\n");
  EXPECT_THAT(make({.source = "t.jsonl", .n_windows = 1, .window = 5}).take().ids,
              ElementsAre(3, 1, 4, 1, 5));
}

TEST_F(Windows, RandomOnesDependOnTheSeedAlone) {
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text += std::string(1, static_cast<char>('a' + i * i % 26)) + " ";
  }
  write_file(folder_ / "own.txt", text);
  CalibrationSpec spec{
      .source = "own.txt", .packing = Packing::kRandom, .n_windows = 4, .window = 16};
  const auto a = make(spec).take();
  EXPECT_EQ(a.ids, make(spec).take().ids);
  spec.seed = 1;
  const auto b = make(spec).take();
  EXPECT_NE(a.ids, b.ids);
  EXPECT_NE(a.sha256, b.sha256);
}

TEST_F(Windows, DocumentsGiveOneWindowEachWhereTheyAreLongEnough) {
  write_file(folder_ / "d.jsonl",
             "{\"text\": \"a a a a\"}\n{\"text\": \"b\"}\n{\"text\": \"c c c\"}\n");
  CalibrationSpec spec{
      .source = "d.jsonl", .packing = Packing::kDocuments, .n_windows = 2, .window = 3};
  auto ids = make(spec).take().ids;
  std::ranges::sort(ids);
  EXPECT_THAT(ids, ElementsAre(1, 1, 1, 3, 3, 3));
  spec.n_windows = 3;
  EXPECT_THAT(make(spec).failure().message, HasSubstr("6 tokens, the recipe wants 3 windows of 3"));
}

TEST_F(Windows, WhatIsWrongIsNamed) {
  EXPECT_THAT(make({}).failure().message, HasSubstr("wikitext2/wiki.train.raw"));
  EXPECT_EQ(make({}).failure().code, ErrorCode::kNotFound);
  write_file(folder_ / "t.jsonl", "{\"tokens\": [27]}\n");
  EXPECT_THAT(make({.source = "t.jsonl"}).failure().message,
              HasSubstr("t.jsonl: record 1: tokens: expected numbers from 0 to 26"));
  write_file(folder_ / "t.jsonl", "{\"words\": 1}\n");
  EXPECT_THAT(make({.source = "t.jsonl"}).failure().message,
              HasSubstr("record 1: expected \"text\", \"tokens\", or"));
}

TEST(CalibrationSpec, IsPartOfARecipeAndReadsBackAsItself) {
  const auto parse = [](std::string_view table) {
    return parse_recipe(fmt::format("name = \"r\"\n[calibration]\n{}\n[[stage]]\nsolve = \"gptq\"\n"
                                    "scheme = {{ default = \"int4g128a\" }}\n",
                                    table),
                        "r.toml");
  };
  const auto recipe = parse("source = \"c4\"\npacking = \"documents\"\nseed = 3\n").take();
  EXPECT_EQ(recipe.calibration->packing, Packing::kDocuments);
  const auto again = parse_recipe("name = \"r\"\n" + recipe.text, "again").take();
  EXPECT_EQ(again.hash, recipe.hash);
  EXPECT_THAT(parse("packing = \"tight\"").failure().message,
              HasSubstr("'tight' is not known, expected one of: consecutive, random, documents"));
  EXPECT_THAT(parse("windows = 0").failure().message, HasSubstr("expected 1 to"));
  const auto useless = parse_recipe(
      "name = \"r\"\n[calibration]\n[[stage]]\nsolve = \"nearest\"\nscheme = { default = \"f16\" "
      "}\n",
      "r");
  EXPECT_THAT(useless.failure().message, HasSubstr("no stage looks at inputs"));
}

}  // namespace
}  // namespace nibble::quant
