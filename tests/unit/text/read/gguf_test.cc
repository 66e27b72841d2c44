#include <gmock/gmock.h>

#include "support/files.h"
#include "unit/text/tokenizers.h"

namespace nibble::text {
namespace {

using nibble::testing::demo_model;
using nibble::testing::golden;
using nibble::testing::other_model;
using ::testing::ElementsAre;
using testing::expect_golden;
using ::testing::HasSubstr;
using testing::read_golden;
using testing::small_bpe;
using testing::spec_of_gguf;

std::string failure_of(GgufTokenizerSpec spec) {
  const auto tokenizer = make_tokenizer(std::move(spec));
  return tokenizer ? "" : tokenizer.failure().message;
}

TEST(Gguf, SmolLm2EqualsTheReference) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  NIBBLE_NEEDS_FILE(rows, golden("engine/tokens_smollm2.jsonl"));
  const auto tokenizer = make_tokenizer(spec_of_gguf(model)).take();
  expect_golden(*tokenizer, read_golden(rows));
  EXPECT_EQ(tokenizer->vocab_size(), 49152U);
  EXPECT_EQ(tokenizer->special().bos, 1);
  EXPECT_FALSE(tokenizer->special().add_bos);
  EXPECT_THAT(tokenizer->special().end_of_generation, ElementsAre(2, 0));
}

TEST(Gguf, Qwen25EqualsTheReference) {
  NIBBLE_NEEDS_FILE(model, other_model("qwen2.5-coder-0.5b-q4_k_m.gguf"));
  NIBBLE_NEEDS_FILE(rows, golden("engine/tokens_qwen25.jsonl"));
  const auto tokenizer = make_tokenizer(spec_of_gguf(model)).take();
  expect_golden(*tokenizer, read_golden(rows));
  EXPECT_THAT(tokenizer->special().end_of_generation, ElementsAre(151645, 151643));
}

TEST(Gguf, Gemma3EqualsTheReference) {
  NIBBLE_NEEDS_FILE(model, other_model("gemma-3-270m-q4_k_m.gguf"));
  NIBBLE_NEEDS_FILE(rows, golden("engine/tokens_gemma3.jsonl"));
  const auto tokenizer = make_tokenizer(spec_of_gguf(model)).take();
  expect_golden(*tokenizer, read_golden(rows));
  EXPECT_TRUE(tokenizer->special().add_bos);
  EXPECT_THAT(tokenizer->special().end_of_generation, ElementsAre(1, 106));
}

TEST(Gguf, MergesByRank) {
  // "ab" merges before "bc", so "abc" is ab + c.
  const auto tokenizer = make_tokenizer(small_bpe({"a b", "b c"})).take();
  EXPECT_THAT(tokenizer->encode("abc", AddSpecial::kNo).take(), ElementsAre(256, 'c'));
}

TEST(Gguf, FindsControlTokensInTheText) {
  auto spec = small_bpe({});
  const auto a = static_cast<TokenId>(spec.tokens.size()) - 2;
  spec.eos = a + 1;
  const auto tokenizer = make_tokenizer(spec).take();
  EXPECT_THAT(tokenizer->encode("x<|a|>y", AddSpecial::kNo).take(), ElementsAre('x', a, 'y'));
  EXPECT_EQ(tokenizer->decode(std::vector{TokenId{'x'}, a}, SkipSpecial::kYes).take(), "x");
  EXPECT_EQ(tokenizer->decode(std::vector{TokenId{'x'}, a}, SkipSpecial::kNo).take(), "x<|a|>");
  EXPECT_THAT(tokenizer->special().end_of_generation, ElementsAre(a + 1));
}

TEST(Gguf, FlagsDecideOnBosAndEos) {
  auto spec = small_bpe({});
  const auto a = static_cast<TokenId>(spec.tokens.size()) - 2;
  spec.bos = a;
  spec.eos = a + 1;
  spec.add_bos = true;
  spec.add_eos = true;
  EXPECT_THAT(make_tokenizer(spec).take()->encode("x", AddSpecial::kYes).take(),
              ElementsAre(a, 'x', a + 1));
  spec.add_bos = spec.add_eos = std::nullopt;
  EXPECT_THAT(make_tokenizer(spec).take()->encode("x", AddSpecial::kYes).take(), ElementsAre('x'));
  spec.pre = "llama-bpe";  // adds BOS where the file does not say
  EXPECT_THAT(make_tokenizer(spec).take()->encode("x", AddSpecial::kYes).take(),
              ElementsAre(a, 'x'));
}

TEST(Gguf, PreTokenizersDifferInDigits) {
  const auto encode = [](std::string_view pre) {
    auto spec = small_bpe({"1 2", "12 3"});
    spec.pre = pre;
    return make_tokenizer(spec).take()->encode("1234", AddSpecial::kNo).take();
  };
  EXPECT_THAT(encode("gpt-2"), ElementsAre(257, '4'));
  EXPECT_THAT(encode("llama-bpe"), ElementsAre(257, '4'));
  EXPECT_THAT(encode("qwen2"), ElementsAre('1', '2', '3', '4'));
  EXPECT_THAT(encode("smollm"), ElementsAre('1', '2', '3', '4'));
  EXPECT_EQ(encode(""), encode("default"));
}

TEST(Gguf, WordPieceWithBlankMarks) {
  GgufTokenizerSpec spec;
  spec.model = "bert";
  spec.tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁un", "able", "▁."};
  spec.types = {3, 3, 3, 3, 1, 1, 1};
  const auto tokenizer = make_tokenizer(spec).take();
  const std::vector<TokenId> ids = {2, 4, 5, 6, 1, 3};
  EXPECT_EQ(tokenizer->encode("Unable. ☃", AddSpecial::kYes).take(), ids);
  EXPECT_EQ(tokenizer->decode(ids, SkipSpecial::kYes).take(), "unable.");
  EXPECT_EQ(tokenizer->decode(ids, SkipSpecial::kNo).take(), "[CLS] unable. [UNK] [SEP]");
}

TEST(Gguf, SentencePieceWithAndWithoutPrefix) {
  GgufTokenizerSpec spec;
  spec.model = "llama";
  spec.tokens = {"<unk>", "<s>", "</s>", "▁", "a", "▁a", "<0x62>"};
  spec.scores = {0, 0, 0, -2, -3, -1, 0};
  spec.types = {2, 3, 3, 1, 1, 1, 6};
  spec.bos = 1;
  spec.unknown = 0;
  const auto tokenizer = make_tokenizer(spec).take();
  EXPECT_THAT(tokenizer->encode("a b", AddSpecial::kYes).take(), ElementsAre(1, 5, 3, 6));
  EXPECT_THAT(tokenizer->encode("a<s>a", AddSpecial::kNo).take(), ElementsAre(5, 1, 5));
  spec.add_space_prefix = false;
  spec.add_bos = false;
  EXPECT_THAT(make_tokenizer(spec).take()->encode("aa a", AddSpecial::kYes).take(),
              ElementsAre(4, 4, 5));
}

TEST(Gguf, NamesWhatItDoesNotHandle) {
  auto spec = small_bpe({});
  spec.pre = "qwen";
  EXPECT_THAT(failure_of(spec),
              HasSubstr("tokenizer.ggml.pre: 'qwen' is not handled (did you mean 'qwen2'?)"));
  spec.model = "t5";
  EXPECT_THAT(failure_of(spec), HasSubstr("tokenizer.ggml.model: 't5' is not handled"));
}

TEST(Gguf, ListsMustAgree) {
  auto spec = small_bpe({});
  spec.types.pop_back();
  EXPECT_EQ(failure_of(spec), "tokenizer: tokenizer.ggml.token_type: 257 types for 258 tokens");
  spec = small_bpe({});
  spec.types[3] = 9;
  EXPECT_THAT(failure_of(spec), HasSubstr("9 of token 3 is none of 1 to 6"));
  spec = small_bpe({});
  spec.tokens[7] = "\xFF";
  EXPECT_THAT(failure_of(spec), HasSubstr("token 7 is not UTF-8"));
  spec = small_bpe({});
  spec.eos = 258;
  EXPECT_THAT(failure_of(spec),
              HasSubstr("eos_token_id: 258 is outside the vocabulary of 258 tokens"));
  spec = small_bpe({});
  spec.merges = {"a b"};
  EXPECT_THAT(failure_of(spec), HasSubstr("merge 0: 'ab' is not in the vocabulary"));
  spec.model = "llama";
  EXPECT_THAT(failure_of(spec), HasSubstr("258 pieces, 0 scores, 258 types"));
  EXPECT_THAT(failure_of(GgufTokenizerSpec{}), HasSubstr("tokenizer.ggml.tokens: no tokens"));
}

TEST(Gguf, EqualSpecsHaveEqualHashes) {
  const auto hash = [](const GgufTokenizerSpec& spec) {
    return make_tokenizer(spec).take()->hash();
  };
  auto spec = small_bpe({"a b"});
  EXPECT_EQ(hash(spec), hash(small_bpe({"a b"})));
  EXPECT_EQ(hash(spec).size(), 64U);
  spec.pre = "qwen2";
  EXPECT_NE(hash(spec), hash(small_bpe({"a b"})));
  EXPECT_NE(hash(small_bpe({"b c"})), hash(small_bpe({"a b"})));
}

TEST(Gguf, HashesFollowTheSpecialTokens) {
  auto spec = small_bpe({});
  std::vector<std::string> hashes = {make_tokenizer(spec).take()->hash()};
  for (auto* id : {&spec.bos, &spec.eos, &spec.pad, &spec.unknown}) {
    const auto before = *id;
    *id = 3;
    hashes.push_back(make_tokenizer(spec).take()->hash());
    *id = before;
  }
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

}  // namespace
}  // namespace nibble::text
