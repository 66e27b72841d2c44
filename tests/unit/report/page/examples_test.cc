#include "report/page/examples.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/page/budget.h"
#include "support/files.h"
#include "unit/report/small_store.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PageExamplesTest : public ::testing::Test {
 protected:
  /// A wrong answer to question `index` in place of those that the store has.
  static Example wrong(std::size_t index, std::string answer, bool reference_was_right = true) {
    Example out;
    out.sample.index = index;
    out.sample.sample_id = fmt::format("q{:03}", index);
    out.sample.prompt = "Who?";
    out.sample.target = "Oda";
    out.sample.answer = std::move(answer);
    out.reference_answer = "Oda";
    out.reference_was_right = reference_was_right;
    return out;
  }
  std::vector<Example>& examples(std::size_t variant) {
    return data_.variants[variant].outcomes[1].examples;
  }
  static std::size_t count(const std::string& text, std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
      ++n;
    }
    return n;
  }

  nibble::testing::TempFolder folder_;
  Data data_ = gather(small_store(folder_ / "s.db"));
};

TEST_F(PageExamplesTest, AQuestionShowsWantedAndWhoAnsweredWhat) {
  const std::string html = examples_html(data_);
  EXPECT_THAT(html, HasSubstr("Who built &lt;the&gt; mill?"));
  EXPECT_THAT(html, HasSubstr("the reference got it right"));
  EXPECT_THAT(html, HasSubstr("<dt>Reference</dt><dd><pre>Oda &amp; son</pre>"));
  EXPECT_THAT(html, HasSubstr("</i>int4</span>"));
  EXPECT_THAT(html, Not(HasSubstr(">pages<")));  // perplexity has no wrong answers
  EXPECT_THAT(html, Not(HasSubstr("class=\"cut\""))) << "a small study keeps all";
}

TEST_F(PageExamplesTest, AQuestionStandsOnceAndTheCommonAnswerFirst) {
  examples(0) = {};
  examples(1) = {wrong(3, "Ida")};
  examples(2) = {wrong(3, "Uda")};
  examples(3) = {wrong(3, "Uda")};
  const std::string html = examples_html(data_);
  EXPECT_EQ(count(html, "<h4>"), 1U);
  EXPECT_EQ(count(html, "<pre>Uda</pre>"), 1U);
  EXPECT_LT(html.find("<pre>Uda</pre>"), html.find("<pre>Ida</pre>"));
  EXPECT_THAT(html, HasSubstr("<small>1 question</small>"));
}

TEST_F(PageExamplesTest, ThoseThatTheReferenceGotRightComeFirst) {
  examples(0) = {wrong(1, "none", false)};
  examples(1) = {wrong(1, "none", false), wrong(7, "Ida")};
  examples(2) = examples(3) = {};
  const std::string html = examples_html(data_);
  EXPECT_LT(html.find("q007"), html.find("q001"));
  EXPECT_EQ(count(html, "<dt>Reference</dt>"), 1U) << "its wrong answer stands among the answers";
}

TEST_F(PageExamplesTest, WhatDoesNotFitIsCountedTaskByTask) {
  data_.tasks.push_back(data_.tasks[1]);
  data_.tasks[2].name = "small";
  for (Variant& variant : data_.variants) {
    variant.outcomes.push_back({});
  }
  data_.variants[1].outcomes[2].examples = {wrong(0, "Ida")};
  examples(0) = examples(2) = examples(3) = examples(1) = {};
  constexpr std::size_t kQuestions = 1000;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    examples(1).push_back(wrong(i, "Ida"));
    examples(1).back().sample.prompt = std::string(1900, '?');
  }
  const std::string html = examples_html(data_);
  EXPECT_LT(html.size(), kExampleBytes + 2000);
  EXPECT_GT(html.size(), kExampleBytes * 9 / 10);
  EXPECT_THAT(
      html,
      HasSubstr(
          "of 1000 questions are shown. All these answers are in <code>tables/wrong-answers.csv"));
  EXPECT_THAT(html, HasSubstr("<summary>small<small>1 question</small></summary>"));
  EXPECT_EQ(wrong_answer_table(data_).rows.size(), kQuestions + 1) << "the file has all";
}

TEST_F(PageExamplesTest, ManyNamesAndManyAnswersAreCounted) {
  constexpr std::size_t kSame = 30, kOthers = 40;
  const Variant variant = data_.variants[1];
  data_.variants.resize(1);
  examples(0) = {};
  data_.variants.resize(1 + kSame + kOthers, variant);
  for (std::size_t v = 1; v < data_.variants.size(); ++v) {
    examples(v) = {wrong(0, v <= kSame ? "same" : fmt::format("answer {}", v))};
  }
  const std::string html = examples_html(data_);
  EXPECT_THAT(html, HasSubstr(fmt::format("and {} more", kSame - kMaxNames)));
  EXPECT_THAT(html, HasSubstr(fmt::format("and {} other answers", kOthers + 1 - kMaxAnswers)));
}

TEST_F(PageExamplesTest, AStudyWithoutSuchTasksSaysSo) {
  data_.tasks.resize(1);
  EXPECT_THAT(examples_html(data_), HasSubstr("No task of this study calls an answer right"));
}

}  // namespace
}  // namespace nibble::report
