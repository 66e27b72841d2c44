#include "text/split/pre_tokenizer.h"

#include <gmock/gmock.h>

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using Kind = SplitStep::Kind;

std::vector<std::string> split(std::vector<SplitStep> steps,
                               std::string_view text,
                               bool at_start = true) {
  std::vector<std::string> words;
  PreTokenizer(std::move(steps)).split(text, at_start, [&](std::string_view word) {
    words.emplace_back(word);
  });
  return words;
}

SplitStep at_dash(SplitBehavior behavior, bool invert = false) {
  SplitStep step{Kind::kLiteral};
  step.literal = "-";
  step.behavior = behavior;
  step.invert = invert;
  return step;
}

// The table in the documentation of the `tokenizers` package's SplitDelimiterBehavior.
TEST(PreTokenizer, Behaviors) {
  const std::string_view text = "the-final--countdown";
  EXPECT_THAT(split({at_dash(SplitBehavior::kRemoved)}, text),
              ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(split({at_dash(SplitBehavior::kIsolated)}, text),
              ElementsAre("the", "-", "final", "-", "-", "countdown"));
  EXPECT_THAT(split({at_dash(SplitBehavior::kMergedWithPrevious)}, text),
              ElementsAre("the-", "final-", "-", "countdown"));
  EXPECT_THAT(split({at_dash(SplitBehavior::kMergedWithNext)}, text),
              ElementsAre("the", "-final", "-", "-countdown"));
  EXPECT_THAT(split({at_dash(SplitBehavior::kContiguous)}, text),
              ElementsAre("the", "-", "final", "--", "countdown"));
  EXPECT_THAT(split({at_dash(SplitBehavior::kRemoved, true)}, text), ElementsAre("-", "-", "-"));
}

TEST(PreTokenizer, StepsCutThePartsOfTheOneBefore) {
  // The blanks before the digit end their part, so none of them is left to a word (as in SmolLM2).
  EXPECT_THAT(split({{Kind::kDigits}, {Kind::kPattern, Pattern::kGpt2}}, "a  1b"),
              ElementsAre("a", "  ", "1", "b"));
  EXPECT_THAT(split({{Kind::kPattern, Pattern::kGpt2}}, "a  1b"), ElementsAre("a", " ", " 1", "b"));
}

TEST(PreTokenizer, PrefixBlank) {
  EXPECT_THAT(split({{Kind::kPrefixBlank}}, "a"), ElementsAre(" a"));
  EXPECT_THAT(split({{Kind::kPrefixBlank}}, " a"), ElementsAre(" a"));
}

TEST(PreTokenizer, Metaspace) {
  SplitStep step{Kind::kMetaspace};
  step.prepend = SplitStep::Prepend::kFirst;
  step.flag = true;
  EXPECT_THAT(split({step}, "a b  c"), ElementsAre("▁a", "▁b", "▁", "▁c"));
  EXPECT_THAT(split({step}, "a", false), ElementsAre("a"));
  step.flag = false;
  step.prepend = SplitStep::Prepend::kAlways;
  EXPECT_THAT(split({step}, "a b", false), ElementsAre("▁a▁b"));
  EXPECT_THAT(split({step}, " b"), ElementsAre("▁b"));
}

TEST(PreTokenizer, CutsAtBlanksExceptWhereTokensGoOn) {
  SplitStep step{Kind::kCutAtBlanks};
  step.joined = {">"};
  EXPECT_THAT(split({step}, "▁a▁▁b>▁c▁"), ElementsAre("▁a", "▁▁b>▁c", "▁"));
}

TEST(PreTokenizer, EmptyTextHasNoWords) {
  EXPECT_TRUE(split({{Kind::kPrefixBlank}}, "").empty());
}

}  // namespace
}  // namespace nibble::text
