#include "report/advice/judgement_lines.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Judgement loss_on(std::string task, Verdict verdict, std::string text, double reach = 0) {
  return {"loss on " + task, verdict, std::move(text), "2 points", {}, task, reach};
}

/// A reference that meets all, and variants with these judgements.
class JudgementLinesTest : public ::testing::Test {
 protected:
  JudgementLines lines_of(std::vector<std::vector<Judgement>> judgements) {
    variants_.resize(judgements.size() + 1);
    variants_[0].is_reference = true;
    Advice advice;
    std::vector<Judgement> own = judgements.front();
    for (Judgement& judgement : own) {
      judgement.verdict = Verdict::kMet;
      judgement.text = "0.0 points lost";
    }
    advice.candidates.push_back({&variants_[0], Verdict::kMet, own, {}});
    for (std::size_t v = 0; v < judgements.size(); ++v) {
      const Verdict verdict = overall(judgements[v]);
      advice.candidates.push_back({&variants_[v + 1], verdict, std::move(judgements[v]), {}});
    }
    return judgement_lines(advice);
  }

  std::vector<Variant> variants_;
};

TEST_F(JudgementLinesTest, TheReferenceHasNoLinesOfLosses) {
  Judgement memory{"peak memory", Verdict::kMet, "100 MB", "200 MB", {}};
  const auto lines = lines_of({{memory, loss_on("arc", Verdict::kMet, "0.5 points lost")}});
  EXPECT_THAT(lines.of[0], HasSubstr("met        peak memory"));
  EXPECT_THAT(lines.of[0], Not(HasSubstr("loss")));
  EXPECT_EQ(lines.of[1],
            "    met        peak memory: 100 MB; accepted: 200 MB\n"
            "    met        loss on arc: 0.5 points lost\n");
}

TEST_F(JudgementLinesTest, WhatIsAcceptedStandsOnceByMargin) {
  Judgement pages = loss_on("pages", Verdict::kFailed, "9 lost");
  pages.accepted = "5 % of the reference's perplexity";
  EXPECT_EQ(lines_of({{loss_on("arc", Verdict::kFailed, "7 points lost"),
                       pages,
                       loss_on("piqa", Verdict::kFailed, "8")}})
                .accepted,
            "a loss of 2 points on arc and piqa; of 5 % of the reference's perplexity on pages");
}

TEST_F(JudgementLinesTest, AReasonThatHoldsForAllIsSaidOnce) {
  const auto guess = [](std::string task) {
    return loss_on(std::move(task), Verdict::kUndecided, "cannot be told from guessing");
  };
  const auto open = [](std::string text) {
    return loss_on("piqa", Verdict::kUndecided, std::move(text));
  };
  const auto lines = lines_of({{guess("arc"), open("1 lost"), guess("boolq")},
                               {guess("arc"), open("2 lost"), guess("boolq")}});
  EXPECT_EQ(lines.common, "    undecided  loss on arc and boolq: cannot be told from guessing\n");
  EXPECT_EQ(lines.of[1], "    undecided  loss on piqa: 1 lost\n");
  EXPECT_EQ(lines.of[2], "    undecided  loss on piqa: 2 lost\n");
}

TEST_F(JudgementLinesTest, AReasonOfSomeStaysWithThem) {
  const auto lines = lines_of({{loss_on("arc", Verdict::kUndecided, "not run yet"),
                                loss_on("piqa", Verdict::kUndecided, "not run yet")},
                               {loss_on("arc", Verdict::kUndecided, "1 lost"),
                                loss_on("piqa", Verdict::kUndecided, "3 lost")}});
  EXPECT_EQ(lines.common, "");
  EXPECT_EQ(lines.of[1], "    undecided  loss on arc and piqa: not run yet\n");
}

TEST_F(JudgementLinesTest, OfManyMetLossesTheNearestToItsLimitIsNamed) {
  std::vector<Judgement> judgements;
  for (std::size_t i = 0; i < 9; ++i) {
    judgements.push_back(loss_on(
        fmt::format("task{}", i), Verdict::kMet, fmt::format("0.{} lost", i), i == 4 ? 0.9 : 0.1));
  }
  EXPECT_EQ(lines_of({judgements}).of[1],
            "    met        loss on 9 tasks: nearest to its limit on task4: 0.4 lost\n");
}

TEST_F(JudgementLinesTest, OfManyOthersThoseThatReachFurthestHaveLinesAndTheRestIsCounted) {
  std::vector<Judgement> judgements;
  for (std::size_t i = 0; i < 10; ++i) {
    judgements.push_back(loss_on(fmt::format("task{}", i),
                                 Verdict::kFailed,
                                 fmt::format("{} lost", i),
                                 static_cast<double>(i)));
  }
  const std::string text = lines_of({judgements}).of[1];
  EXPECT_THAT(text, ::testing::StartsWith("    failed     loss on task9: 9 lost\n"));
  EXPECT_THAT(text, HasSubstr("    failed     loss on 4 more tasks (--json has them)\n"));
  EXPECT_THAT(text, Not(HasSubstr("task3")));
}

}  // namespace
}  // namespace nibble::report
