#include "eval/metrics/exact_match.h"

#include <gtest/gtest.h>

namespace nibble::eval {
namespace {

ExactMatchRule gsm8k() {
  ExactMatchRule rule{.ignores_case = true};
  for (const char* pattern : {",", "\\$", "(?s).*#### ", "\\.$"}) {
    rule.ignored.push_back(text::PythonRegex::compile(pattern).take());
  }
  return rule;
}

bool matches(std::string_view given, const std::string& wanted, const ExactMatchRule& rule) {
  return is_exact_match(given, {&wanted, 1}, rule);
}

TEST(ExactMatch, DeletesWhatIsIgnoredOnBothSides) {
  EXPECT_TRUE(matches("18.", "so\n#### 18", gsm8k()));
  EXPECT_TRUE(matches("$1,234", "#### 1234", gsm8k()));
  EXPECT_FALSE(matches("18.0", "#### 18", gsm8k()));
  EXPECT_FALSE(matches("18..", "#### 18", gsm8k()));
}

TEST(ExactMatch, CaseAndPunctuationOnRequest) {
  EXPECT_FALSE(matches("Paris!", "paris", {}));
  EXPECT_TRUE(matches("Paris!", "paris", {.ignores_case = true, .ignores_punctuation = true}));
  EXPECT_FALSE(matches("a  b", "a b", {.ignores_case = true, .ignores_punctuation = true}));
}

TEST(ExactMatch, PatternsComeBeforeLowerCase) {
  ExactMatchRule articles{.ignores_case = true, .ignores_punctuation = true};
  articles.ignored.push_back(
      text::PythonRegex::compile("\\b(?:The |the |An |A |The |a |an )").take());
  EXPECT_TRUE(matches("the Moon", "Moon", articles));
  EXPECT_FALSE(matches("THE Moon", "Moon", articles));
}

TEST(ExactMatch, AnyOfSeveralIsRight) {
  const std::vector<std::string> wanted = {"x", "y"};
  EXPECT_TRUE(is_exact_match("y", wanted, {}));
  EXPECT_FALSE(is_exact_match("z", wanted, {}));
  EXPECT_FALSE(is_exact_match("z", {}, {}));
}

}  // namespace
}  // namespace nibble::eval
