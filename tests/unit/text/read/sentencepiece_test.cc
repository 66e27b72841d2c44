#include "text/read/sentencepiece.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Pieces with the scores -1, -2, … in order.
SentencePieceSource source_of(const std::vector<std::pair<std::string, PieceType>>& pieces) {
  SentencePieceSource source;
  for (const auto& [piece, type] : pieces) {
    source.pieces.push_back(piece);
    source.types.push_back(static_cast<std::int32_t>(type));
    source.scores.push_back(-static_cast<float>(source.pieces.size()));
  }
  source.unknown = 0;
  source.add_prefix = false;
  return source;
}

constexpr auto kNormal = PieceType::kNormal;

std::vector<TokenId> encode(const SentencePieceSource& source, std::string_view text) {
  return make_sentencepiece(source)->encode(text, AddSpecial::kNo).take();
}

TEST(SentencePiece, BestScoreFirst) {
  const auto source = source_of({{"<unk>", PieceType::kUnknown},
                                 {"bc", kNormal},
                                 {"ab", kNormal},
                                 {"a", kNormal},
                                 {"b", kNormal},
                                 {"c", kNormal}});
  EXPECT_THAT(encode(source, "abc"), ElementsAre(3, 1));
  EXPECT_THAT(encode(source, "aab"), ElementsAre(3, 2));
}

TEST(SentencePiece, EqualScoresMergeFromTheLeft) {
  auto source = source_of({{"<unk>", PieceType::kUnknown},
                           {"bc", kNormal},
                           {"ab", kNormal},
                           {"a", kNormal},
                           {"b", kNormal},
                           {"c", kNormal}});
  source.scores.assign(source.pieces.size(), -1.0F);
  EXPECT_THAT(encode(source, "abc"), ElementsAre(2, 5));
}

TEST(SentencePiece, UserDefinedPiecesAreMatchedFirstAndLongest) {
  // Stored with blanks, as GGUF does; "▁▁" must not become "▁" + "▁x".
  const auto source = source_of({{"<unk>", PieceType::kUnknown},
                                 {"▁x", kNormal},
                                 {"▁", kNormal},
                                 {"x", kNormal},
                                 {"  ", PieceType::kUserDefined},
                                 {"   ", PieceType::kUserDefined}});
  EXPECT_THAT(encode(source, "  x x"), ElementsAre(4, 3, 1));
  EXPECT_THAT(encode(source, "     x"), ElementsAre(5, 4, 3));
}

TEST(SentencePiece, CharactersOutsideTheVocabularyCanStillMerge) {
  const auto source = source_of({{"<unk>", PieceType::kUnknown}, {"xy", kNormal}, {"a", kNormal}});
  EXPECT_THAT(encode(source, "axya"), ElementsAre(2, 1, 2));
  EXPECT_THAT(encode(source, "yxa"), ElementsAre(0, 2));  // neighbouring unknowns are one
}

TEST(SentencePiece, OnlyTheFirstBlankIsDropped) {
  auto source =
      source_of({{"<unk>", PieceType::kUnknown}, {"▁a", kNormal}, {"▁", kNormal}, {"a", kNormal}});
  source.add_prefix = true;
  const auto tokenizer = make_sentencepiece(source);
  for (const std::string_view text : {"a", " a", "  a a", " "}) {
    const auto ids = tokenizer->encode(text, AddSpecial::kNo).take();
    EXPECT_EQ(tokenizer->decode(ids, SkipSpecial::kYes).take(), text);
    StreamDecoder stream(*tokenizer);
    std::string streamed;
    for (const TokenId id : ids) {
      streamed += stream.push(id);
    }
    EXPECT_EQ(streamed + stream.finish(), text);
  }
}

TEST(SentencePiece, HashesFollowTheSpecialTokens) {
  auto source = source_of({{"<unk>", PieceType::kUnknown}, {"a", kNormal}, {"b", kNormal}});
  const std::string first = make_sentencepiece(source)->hash();
  EXPECT_EQ(make_sentencepiece(source)->hash(), first);
  source.eos = 2;
  const std::string second = make_sentencepiece(source)->hash();
  EXPECT_NE(second, first);
  source.eos = 1;
  EXPECT_NE(make_sentencepiece(source)->hash(), second);
}

TEST(SentencePiece, BrokenListsAreNamed) {
  auto source = source_of({{"a", kNormal}, {"b", kNormal}});
  source.scores[1] = std::nanf("");
  EXPECT_THAT([&] { make_sentencepiece(source); },
              ThrowsMessage<Error>(HasSubstr("score 1 is not a number")));
  source.scores.pop_back();
  EXPECT_THAT([&] { make_sentencepiece(source); },
              ThrowsMessage<Error>(HasSubstr("2 pieces, 1 scores, 2 types")));
  EXPECT_THAT(
      [&] {
        make_sentencepiece(source_of({{"<0xG0>", PieceType::kByte}}));
      },
      ThrowsMessage<Error>(HasSubstr("piece 0: '<0xG0>' is not <0x00> to <0xFF>")));
  EXPECT_THAT(
      [&] {
        make_sentencepiece(source_of({{std::string(600, 'a'), kNormal}}));
      },
      ThrowsMessage<Error>(HasSubstr("piece 0 has 600 bytes")));
}

}  // namespace
}  // namespace nibble::text
