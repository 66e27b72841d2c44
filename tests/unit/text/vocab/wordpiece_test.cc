#include "text/vocab/wordpiece.h"

#include <gmock/gmock.h>

namespace nibble::text {
namespace {

using ::testing::ElementsAre;

WordPiece make(std::size_t max_word_chars = 100) {
  WordPieceParts parts;
  parts.unknown = 9;
  parts.max_word_chars = max_word_chars;
  parts.longest_token_bytes = 5;
  const char* starts[] = {"un", "una", "é"};
  const char* inside[] = {"aff", "able", "a", "é"};
  for (TokenId i = 0; i < 3; ++i) {
    parts.starts.set(starts[i], i);
  }
  for (TokenId i = 0; i < 4; ++i) {
    parts.continuations.set(inside[i], 3 + i);
  }
  return WordPiece(std::move(parts));
}

std::vector<TokenId> encode(const WordPiece& model, std::string_view word) {
  std::vector<TokenId> ids = {42};
  model.encode(word, ids);
  EXPECT_EQ(ids.front(), 42);
  ids.erase(ids.begin());
  return ids;
}

TEST(WordPiece, LongestFirstWithoutGoingBack) {
  const WordPiece model = make();
  EXPECT_THAT(encode(model, "unable"), ElementsAre(9));  // "una" leaves "ble", which nothing covers
  EXPECT_THAT(encode(model, "unaaff"), ElementsAre(1, 3));
  EXPECT_THAT(encode(model, "éé"), ElementsAre(2, 6));
}

TEST(WordPiece, UncoveredWordsAreOneUnknownToken) {
  EXPECT_THAT(encode(make(), "unx"), ElementsAre(9));
  EXPECT_THAT(encode(make(), "able"), ElementsAre(9));  // begins no word
}

TEST(WordPiece, LongWordsAreUnknown) {
  EXPECT_THAT(encode(make(3), "unaa"), ElementsAre(9));
  EXPECT_THAT(encode(make(4), "unaa"), ElementsAre(1, 5));
  EXPECT_THAT(encode(make(2), "éé"), ElementsAre(2, 6));  // counted in characters
}

}  // namespace
}  // namespace nibble::text
