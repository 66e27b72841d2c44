#include "text/pipeline.h"

#include <gmock/gmock.h>

#include <chrono>

#include "base/utf8.h"
#include "support/files.h"
#include "unit/text/tokenizers.h"

namespace nibble::text {
namespace {

using nibble::testing::demo_model;
using ::testing::ElementsAre;
using testing::small_bpe;
using testing::spec_of_gguf;

TEST(Pipeline, TextMustBeUtf8) {
  const auto tokenizer = make_tokenizer(small_bpe({})).take();
  const auto failed = tokenizer->encode("ab\xC3(", AddSpecial::kNo);
  EXPECT_EQ(failed.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failed.failure().message, "text: byte 2 is not UTF-8");
}

TEST(Pipeline, IdsMustBeInTheVocabulary) {
  const auto tokenizer = make_tokenizer(small_bpe({})).take();
  for (const TokenId id : {-1, 258, 1 << 30}) {
    const auto failed = tokenizer->decode(std::vector{id}, SkipSpecial::kNo);
    EXPECT_EQ(failed.failure().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(failed.failure().message,
              fmt::format("token id {} is outside the vocabulary of 258 tokens", id));
    EXPECT_EQ(tokenizer->token_bytes(id), "");
    EXPECT_EQ(tokenizer->token_text(id), std::nullopt);
  }
}

TEST(Pipeline, TokensAsBytesAndAsSpelled) {
  const auto tokenizer = make_tokenizer(small_bpe({"Ġ a"})).take();
  EXPECT_EQ(tokenizer->token_text(256), "Ġa");
  EXPECT_EQ(tokenizer->token_bytes(256), " a");
  EXPECT_EQ(tokenizer->token_bytes(0xE2), "\xE2");
  EXPECT_EQ(tokenizer->token_text(257), "<|a|>");
  EXPECT_EQ(tokenizer->token_bytes(257), "");  // special
}

TEST(Pipeline, EndOfGenerationIsEosAndTurnMarks) {
  PipelineParts parts;
  for (const char* spelling : {"a", "<|im_end|>", "</s>", "<x>", "<|endoftext|>"}) {
    parts.spellings.add(spelling);
    parts.is_special.push_back(parts.spellings.size() > 1 && parts.spellings.size() != 3);
  }
  parts.special.eos = 4;
  find_end_of_generation(parts);
  EXPECT_THAT(parts.special.end_of_generation,
              ElementsAre(4, 1));  // "</s>" is an ordinary token here
}

// Any text comes back, whatever it is, whole and in a stream; special tokens and malformed text
// included.
TEST(Pipeline, SmolLm2LosesNothing) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto tokenizer = make_tokenizer(spec_of_gguf(model)).take();
  const std::string_view alphabet[] = {"the",
                                       " ",
                                       "\n",
                                       "é",
                                       "漢",
                                       "😀",
                                       "12",
                                       "'s",
                                       "<|im_end|>",
                                       "<|im",
                                       "\u0301",
                                       "\u200D",
                                       "!",
                                       "\u2028"};
  std::uint32_t state = 5;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      state = state * 1664525U + 1013904223U;
      text += alphabet[(state >> 16) % std::size(alphabet)];
    }
    const auto ids = tokenizer->encode(text, AddSpecial::kNo).take();
    EXPECT_EQ(tokenizer->decode(ids, SkipSpecial::kNo).take(), text);
  }
}

TEST(Pipeline, StreamsOfAnyIdsEqualDecode) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto tokenizer = make_tokenizer(spec_of_gguf(model)).take();
  std::uint32_t state = 9;
  for (int round = 0; round < 500; ++round) {
    std::vector<TokenId> ids;
    StreamDecoder decoder(*tokenizer);
    std::string streamed;
    for (int i = 0; i < 30; ++i) {
      state = state * 1664525U + 1013904223U;
      // Low ids are single bytes: mostly malformed text.
      ids.push_back(static_cast<TokenId>((state >> 16) % (i % 3 == 0 ? 49152 : 260)));
      const std::string piece = decoder.push(ids.back());
      EXPECT_FALSE(utf8::first_invalid(piece));
      streamed += piece;
    }
    streamed += decoder.finish();
    EXPECT_EQ(streamed, tokenizer->decode(ids, SkipSpecial::kYes).take());
  }
}

TEST(Pipeline, HostileTextIsEncodedInReasonableTime) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto tokenizer = make_tokenizer(spec_of_gguf(model)).take();
  for (const std::string_view unit : {"a", " ", "\n", "<|im_end|", "é", "ab"}) {
    std::string text;
    while (text.size() < 1'000'000) {
      text += unit;
    }
    const auto start = std::chrono::steady_clock::now();
    const auto ids = tokenizer->encode(text, AddSpecial::kNo).take();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5)) << unit;
    EXPECT_EQ(tokenizer->decode(ids, SkipSpecial::kNo).take(), text) << unit;
  }
}

}  // namespace
}  // namespace nibble::text
