#include "text/vocab/bpe.h"

#include <gmock/gmock.h>

#include <chrono>

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<TokenId>;

/// Pieces get their ids in order; merges their ranks.
BpeParts parts_of(const std::vector<std::string>& pieces,
                  const std::vector<std::pair<std::string, std::string>>& merges) {
  BpeParts parts;
  parts.n_ids = pieces.size();
  parts.byte_symbols = true;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    parts.pieces.set(pieces[i], static_cast<TokenId>(i));
  }
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const auto& [left, right] = merges[i];
    parts.merges.add(*parts.pieces.find(left),
                     *parts.pieces.find(right),
                     {static_cast<std::uint32_t>(i), *parts.pieces.find(left + right)});
  }
  return parts;
}

Ids encode(const Bpe& bpe, std::string_view word) {
  Ids ids;
  bpe.encode(word, ids);
  return ids;
}

TEST(Bpe, LowestRankFirstThenLeftmost) {
  const Bpe bpe(parts_of({"a", "b", "c", "ab", "bc", "aa"}, {{"a", "b"}, {"b", "c"}, {"a", "a"}}));
  EXPECT_THAT(encode(bpe, "abc"), ElementsAre(3, 2));
  EXPECT_THAT(encode(bpe, "cbc"), ElementsAre(2, 4));
  EXPECT_THAT(encode(bpe, "aaa"), ElementsAre(5, 0));
  EXPECT_THAT(encode(bpe, "aaab"), ElementsAre(5, 3));
  EXPECT_TRUE(encode(bpe, "").empty());
}

TEST(Bpe, ATokenThatItsMergesDoNotReachIsNotTakenWhole) {
  // "abc" is a token, but "bc" merges first and a + bc is no merge.
  auto parts = parts_of({"a", "b", "c", "ab", "bc", "abc"}, {{"b", "c"}, {"a", "b"}, {"ab", "c"}});
  const Bpe bpe(std::move(parts));
  EXPECT_THAT(encode(bpe, "abc"), ElementsAre(0, 4));
  EXPECT_THAT(encode(bpe, "abc"), ElementsAre(0, 4));  // also when it was seen before
  parts = parts_of({"a", "b", "c", "ab", "bc", "abc"}, {{"b", "c"}, {"a", "b"}, {"ab", "c"}});
  parts.ignore_merges = true;
  EXPECT_THAT(encode(Bpe(std::move(parts)), "abc"), ElementsAre(5));
}

TEST(Bpe, BytesWithoutATokenVanishOrAreUnknown) {
  auto parts = parts_of({"a", "?"}, {});
  EXPECT_THAT(encode(Bpe(parts), "axxa"), ElementsAre(0, 0));
  parts.unknown = 1;
  EXPECT_THAT(encode(Bpe(parts), "axxa"), ElementsAre(0, 1, 1, 0));
  parts.fuse_unknown = true;
  EXPECT_THAT(encode(Bpe(std::move(parts)), "axxa"), ElementsAre(0, 1, 0));
}

TEST(Bpe, CharactersFallBackToBytesThenToUnknown) {
  auto parts = parts_of({"a", "é", "?", "<0xC3>", "<0xB1>"}, {});
  parts.byte_symbols = false;
  parts.unknown = 2;
  parts.byte_tokens[0xC3] = 3;
  parts.byte_tokens[0xB1] = 4;
  const Bpe bpe(std::move(parts));
  EXPECT_THAT(encode(bpe, "aéñ"), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(encode(bpe, "aü"), ElementsAre(0, 2));  // 0xBC has no token
}

TEST(Bpe, CharactersThatOnlyBeginMergesNeverComeOut) {
  BpeParts parts;
  parts.n_ids = 2;
  parts.pieces.set("xy", 0);
  parts.pieces.set("x", 2);  // behind the vocabulary
  parts.pieces.set("y", 3);
  parts.inner_characters.add("x");
  parts.inner_characters.add("y");
  parts.merges.add(2, 3, {0, 0});
  parts.unknown = 1;
  const Bpe bpe(std::move(parts));
  EXPECT_THAT(encode(bpe, "xyx"), ElementsAre(0, 1));
}

// Short words scan, long ones keep a heap: both must merge in the same order.
TEST(Bpe, LongWordsMergeAsShortOnesDo) {
  std::vector<std::string> pieces = {"a", "b", "c"};
  std::vector<std::pair<std::string, std::string>> merges;
  std::uint32_t state = 11;
  const auto next = [&](std::size_t n) {
    state = state * 1664525U + 1013904223U;
    return static_cast<std::size_t>(state >> 16) % n;
  };
  while (merges.size() < 60) {
    const std::string left = pieces[next(pieces.size())];
    const std::string right = pieces[next(pieces.size())];
    if (std::ranges::find(pieces, left + right) == pieces.end() &&
        left.size() + right.size() < 12) {
      pieces.push_back(left + right);
      merges.emplace_back(left, right);
    }
  }
  const Bpe bpe(parts_of(pieces, merges));
  // The plain definition: again and again the lowest rank, the leftmost of equals.
  const auto plain = [&](std::string_view word) {
    std::vector<std::string> symbols;
    for (const char c : word) {
      symbols.emplace_back(1, c);
    }
    for (bool merged = true; merged;) {
      merged = false;
      for (const auto& [left, right] : merges) {
        for (std::size_t i = 0; i + 1 < symbols.size() && !merged; ++i) {
          if (symbols[i] == left && symbols[i + 1] == right) {
            symbols[i] += right;
            symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(i) + 1);
            merged = true;
          }
        }
        if (merged) {
          break;
        }
      }
    }
    Ids ids;
    for (const std::string& symbol : symbols) {
      ids.push_back(static_cast<TokenId>(std::ranges::find(pieces, symbol) - pieces.begin()));
    }
    return ids;
  };
  for (const std::size_t length : {2U, 20U, 47U, 48U, 49U, 50U, 200U}) {
    for (int round = 0; round < 20; ++round) {
      std::string word;
      while (word.size() < length) {
        word.push_back("abc"[next(3)]);
      }
      EXPECT_EQ(encode(bpe, word), plain(word)) << word;
    }
  }
}

TEST(Bpe, AMegabyteOfOneLetterTakesUnderASecondOrTwo) {
  std::vector<std::string> pieces = {"a"};
  std::vector<std::pair<std::string, std::string>> merges;
  for (std::string run = "a"; run.size() < 64; run += run) {
    merges.emplace_back(run, run);
    pieces.push_back(run + run);
  }
  const Bpe bpe(parts_of(pieces, merges));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(encode(bpe, std::string(1 << 20, 'a')), Ids((1 << 20) / 64, 6));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));  // busy machines
}

}  // namespace
}  // namespace nibble::text
