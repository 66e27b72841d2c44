#include "text/tokenizer_files.h"

#include <gmock/gmock.h>

#include "support/files.h"
#include "unit/text/tokenizers.h"

namespace nibble::text {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::small_bpe;

constexpr std::string_view kWordPiece = R"({"added_tokens": [],
  "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece"},
  "model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0, "a": 1}}})";

TEST(TokenizerFiles, TokenizerJsonComesFirst) {
  const TempFolder folder;
  write_file(folder / "tokenizer.nibble.json", spec_to_json(small_bpe({})));
  EXPECT_EQ(open_tokenizer(folder.path()).take()->vocab_size(), 258U);
  write_file(folder / "tokenizer.json", kWordPiece);
  EXPECT_EQ(open_tokenizer(folder.path()).take()->vocab_size(), 2U);
  EXPECT_EQ(open_tokenizer(folder / "tokenizer.json").take()->vocab_size(), 2U);
  EXPECT_EQ(open_tokenizer(folder / "tokenizer.nibble.json").take()->vocab_size(), 258U);
}

TEST(TokenizerFiles, TheCompanionIsReadToo) {
  const TempFolder folder;
  write_file(folder / "tokenizer.json", kWordPiece);
  write_file(folder / "tokenizer_config.json", R"({"unk_token": "?", "eos_token": "a"})");
  EXPECT_EQ(open_tokenizer(folder.path()).take()->special().eos, 1);
  EXPECT_EQ(open_tokenizer(folder / "tokenizer.json").take()->special().eos, 1);
  write_file(folder / "tokenizer_config.json", "{");
  EXPECT_THAT(open_tokenizer(folder.path()).failure().message,
              HasSubstr("tokenizer_config.json:1:2: "));
}

TEST(TokenizerFiles, SaysWhatItLookedFor) {
  const TempFolder folder;
  const auto failed = open_tokenizer(folder.path());
  EXPECT_EQ(failed.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(
      failed.failure().message,
      EndsWith("no tokenizer; wanted tokenizer.json, tokenizer.nibble.json or tokenizer.model"));
  EXPECT_EQ(open_tokenizer(folder / "nothing.model").failure().code, ErrorCode::kNotFound);
}

TEST(TokenizerFiles, BrokenFilesAreNamed) {
  const TempFolder folder;
  write_file(folder / "tokenizer.model", "not a model");
  EXPECT_THAT(open_tokenizer(folder.path()).failure().message, HasSubstr("tokenizer.model: "));
  auto spec = small_bpe({});
  spec.pre = "unheard";
  write_file(folder / "tokenizer.nibble.json", spec_to_json(spec));
  EXPECT_THAT(open_tokenizer(folder.path()).failure().message,
              HasSubstr("tokenizer.nibble.json: tokenizer: tokenizer.ggml.pre: 'unheard'"));
}

}  // namespace
}  // namespace nibble::text
