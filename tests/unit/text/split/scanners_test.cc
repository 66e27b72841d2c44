#include "text/split/scanners.h"

#include <gmock/gmock.h>

#include <chrono>

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using Words = std::vector<std::string>;

Words scan(Pattern pattern, std::string_view text) {
  Words words;
  scan_words(pattern, text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

TEST(Scanners, Gpt2) {
  EXPECT_THAT(scan(Pattern::kGpt2, "I'll say it's 3.14!?"),
              ElementsAre("I", "'ll", " say", " it", "'s", " 3", ".", "14", "!?"));
  EXPECT_THAT(scan(Pattern::kGpt2, "I'LL 'hello"), ElementsAre("I", "'", "LL", " '", "hello"));
  EXPECT_THAT(scan(Pattern::kGpt2, "a  b"), ElementsAre("a", " ", " b"));
  EXPECT_THAT(scan(Pattern::kGpt2, "a \n b \n"), ElementsAre("a", " \n", " b", " \n"));
  EXPECT_THAT(scan(Pattern::kGpt2, "a\tb\t\tc"), ElementsAre("a", "\t", "b", "\t", "\t", "c"));
}

TEST(Scanners, Qwen2) {
  EXPECT_THAT(scan(Pattern::kQwen2, "I'LL pay $100 (now)"),
              ElementsAre("I", "'LL", " pay", " $", "1", "0", "0", " (", "now", ")"));
  EXPECT_THAT(scan(Pattern::kQwen2, "x\tab  cd"), ElementsAre("x", "\tab", " ", " cd"));
  EXPECT_THAT(scan(Pattern::kQwen2, "a;\n\n b \n\n  c"),
              ElementsAre("a", ";\n\n", " b", " \n\n", " ", " c"));
  EXPECT_THAT(scan(Pattern::kQwen2, "'ſ"), ElementsAre("'ſ"));  // folds to 's
  EXPECT_THAT(scan(Pattern::kGpt2, "'ſ"), ElementsAre("'", "ſ"));
}

TEST(Scanners, Llama3TakesThreeDigits) {
  EXPECT_THAT(scan(Pattern::kLlama3, "x1234567 ٣٤"),
              ElementsAre("x", "123", "456", "7", " ", "٣٤"));
}

TEST(Scanners, EveryByteBelongsToOneWord) {
  const std::string_view alphabet[] = {
      " ", "  ", "\n", "\r", "\t", "a", "é", "7", "½", "'", "s", "!", "\u3000", "\u0301", "😀"};
  std::uint32_t state = 7;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 10; ++i) {
      state = state * 1664525U + 1013904223U;
      text += alphabet[(state >> 16) % std::size(alphabet)];
    }
    for (const Pattern pattern : {Pattern::kGpt2, Pattern::kQwen2, Pattern::kLlama3}) {
      std::string joined;
      for (const std::string& word : scan(pattern, text)) {
        EXPECT_FALSE(word.empty());
        joined += word;
      }
      EXPECT_EQ(joined, text);
    }
  }
}

TEST(Scanners, HostileTextTakesLinearTime) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string_view unit : {" ", "\n ", "a", "'", "1", "\u3000"}) {
    std::string text;
    while (text.size() < 1'000'000) {
      text += unit;
    }
    std::size_t n_bytes = 0;
    scan_words(Pattern::kQwen2, text, [&](std::string_view word) { n_bytes += word.size(); });
    EXPECT_EQ(n_bytes, text.size());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Scanners, Digits) {
  Words words;
  const auto add = [&](std::string_view word) { words.emplace_back(word); };
  scan_digits("ab12 ½c", false, add);
  EXPECT_THAT(words, ElementsAre("ab", "1", "2", " ", "½", "c"));
  words.clear();
  scan_digits("ab12 ½", true, add);
  EXPECT_THAT(words, ElementsAre("ab", "12", " ", "½"));
}

TEST(Scanners, BertWords) {
  Words words;
  scan_bert_words(" don't  stop。now", [&](std::string_view word) { words.emplace_back(word); });
  EXPECT_THAT(words, ElementsAre("don", "'", "t", "stop", "。", "now"));
}

TEST(Scanners, KnownPatternsAreThoseOfTheFiles) {
  EXPECT_EQ(known_pattern(
                R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"),
            Pattern::kGpt2);
  EXPECT_EQ(known_pattern(R"(\w+)"), std::nullopt);
}

}  // namespace
}  // namespace nibble::text
