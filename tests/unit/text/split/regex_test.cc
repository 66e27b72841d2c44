#include "text/split/regex.h"

#include <gmock/gmock.h>

#include "text/split/scanners.h"

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> matches(std::string_view pattern, std::string_view text) {
  std::vector<std::string> out;
  Regex::compile(pattern).take().for_each_match(text,
                                                [&](std::string_view m) { out.emplace_back(m); });
  return out;
}

TEST(Regex, FindsNonEmptyMatchesFromTheLeft) {
  EXPECT_THAT(matches(R"(\p{L}+|\d)", "ab12é"), ElementsAre("ab", "1", "2", "é"));
  EXPECT_THAT(matches("a*", "baac"), ElementsAre("aa"));
}

TEST(Regex, SpaceIsWhiteSpace) {
  EXPECT_THAT(matches(R"(\s)", "a\u180Eb\u0085c\u3000"), ElementsAre("\u0085", "\u3000"));
  EXPECT_THAT(matches(R"([^\s]+)", "a\u180Eb c"), ElementsAre("a\u180Eb", "c"));
}

// The scanners and the expressions that they stand for are two implementations of one thing.
TEST(Regex, AgreesWithTheScanners) {
  const std::string_view qwen =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
      R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const std::string_view gpt2 =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  const std::string_view alphabet[] = {" ",
                                       "\n",
                                       "\r",
                                       "\t",
                                       "a",
                                       "é",
                                       "7",
                                       "½",
                                       "'",
                                       "s",
                                       "LL",
                                       "ve",
                                       "!",
                                       "\u3000",
                                       "\u0301",
                                       "ſ"};
  std::uint32_t state = 3;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 9; ++i) {
      state = state * 1664525U + 1013904223U;
      text += alphabet[(state >> 16) % std::size(alphabet)];
    }
    for (const std::string_view pattern : {qwen, gpt2}) {
      std::vector<std::string> scanned;
      scan_words(known_pattern(pattern).value(), text, [&](std::string_view w) {
        scanned.emplace_back(w);
      });
      EXPECT_EQ(matches(pattern, text), scanned) << text;
    }
  }
}

TEST(Regex, RefusesWhatItCannotRead) {
  EXPECT_THAT(Regex::compile("(a").failure().message,
              HasSubstr("pattern '(a': missing closing parenthesis"));
  EXPECT_EQ(Regex::compile("[a&&b]").failure().code, ErrorCode::kUnsupported);
  EXPECT_EQ(Regex::compile(R"(\h+)").failure().code, ErrorCode::kUnsupported);
}

TEST(Regex, CatastrophicPatternEndsWithAnError) {
  const auto regex = Regex::compile("(a+)+$").take();
  EXPECT_THROW(regex.for_each_match(std::string(60, 'a') + "b", [](std::string_view) {}), Error);
}

}  // namespace
}  // namespace nibble::text
