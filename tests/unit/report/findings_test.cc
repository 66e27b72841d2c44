#include "report/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

store::SummaryRecord accuracy(const std::string& unit,
                              double value,
                              std::optional<store::ComparisonRecord> with) {
  return {unit, "acc", 4, 0, value, value - 0.1, value + 0.1, with};
}

/// A plan with the choice task alone: `v1` (50 MB) and `v2` (52.5 MB) against the reference.
class FindingsTest : public ::testing::Test {
 protected:
  FindingsTest() {
    store::Plan plan = small_plan();
    plan.tasks.erase(plan.tasks.begin());
    std::erase_if(plan.units,
                  [](const store::UnitRecord& u) { return u.task == "t0" || u.variant == "v3"; });
    store_.replace_plan(plan);
  }
  Findings with(std::vector<store::SummaryRecord> summaries) {
    store_.replace_summaries(summaries);
    return find(gather(store_));
  }
  TempFolder folder_;
  store::Store store_ = small_store(folder_ / "s.db");
};

const store::ComparisonRecord kLost{-0.5, -0.7, -0.3, 0.001, 0.002, 40, 20, 0};
const store::ComparisonRecord kSame{-0.01, -0.05, 0.03, 0.6, 1, 40, 1, 1};
const store::ComparisonRecord kGained{0.5, 0.3, 0.7, 0.001, 0.002, 40, 0, 20};

TEST_F(FindingsTest, NamesTheSmallestWithoutALossAndWhatTheDataStillAllow) {
  const Findings findings = with({accuracy("v0/t1", 0.75, {}),
                                  accuracy("v1/t1", 0.25, kLost),
                                  accuracy("v2/t1", 0.74, kSame)});
  EXPECT_EQ(findings.headline,
            "nf4 is the smallest variant without a significant loss (52.5 MB, 52 % of the "
            "reference's file).");
  EXPECT_EQ(findings.qualifier,
            "That is no proof of no loss: the intervals still allow a loss of up to 5.0 points on "
            "choice_50%.");
  EXPECT_THAT(findings.details, Contains("Significant losses: int4 on choice_50%."));
}

TEST(Findings, OfManyLossesTheFirstAreNamed) {
  const TempFolder folder;
  store::Store store = store::Store::open(folder / "s.db");
  store::Plan plan;
  plan.tasks = {small_plan().tasks[1]};
  std::vector<store::SummaryRecord> summaries;
  for (std::size_t i = 0; i < 24; ++i) {
    const std::string id = fmt::format("v{}", i);
    plan.variants.push_back({id, i == 0 ? "reference" : id, i == 0 ? "none" : id, "", id, {}});
    plan.units.push_back({"u" + id, id, "t1", ""});
    summaries.push_back(accuracy("u" + id, 0.5, i == 0 ? std::nullopt : std::optional(kLost)));
  }
  store.replace_plan(plan);
  store.replace_summaries(summaries);
  EXPECT_THAT(find(gather(store)).details,
              Contains(AllOf(HasSubstr("Significant losses: v1 on choice_50%; v2 on"),
                             HasSubstr("; v20 on choice_50%; and 3 more variants."))));
}

TEST_F(FindingsTest, RecommendsNothingWhereNoLossCouldBeSignificant) {
  store::ComparisonRecord few = kSame;
  few.n = 3;
  const Findings findings = with(
      {accuracy("v0/t1", 0.75, {}), accuracy("v1/t1", 0.25, few), accuracy("v2/t1", 0.74, few)});
  EXPECT_EQ(findings.headline,
            "Too few samples to recommend a variant: on choice_50% (n = 3) no loss could be "
            "significant.");
}

TEST_F(FindingsTest, ADistanceFromTheReferenceIsNoLossAndNeedsNoTest) {
  store::ComparisonRecord few = kLost;
  few.n = 3;
  store_.replace_summaries(std::vector{
      accuracy("v0/t1", 0, {}), accuracy("v1/t1", 0.25, few), accuracy("v2/t1", 0.74, few)});
  Data data = gather(store_);
  data.tasks.front().metrics.front() = {"kl", "nats/token", false, "identity"};
  const Findings findings = find(data);
  EXPECT_THAT(findings.headline, HasSubstr("how far variants are from the reference"));
  EXPECT_THAT(findings.details, Not(Contains(HasSubstr("Significant losses"))));
}

TEST_F(FindingsTest, ASignificantGainIsNoLoss) {
  const Findings findings = with({accuracy("v0/t1", 0.25, {}),
                                  accuracy("v1/t1", 0.75, kGained),
                                  accuracy("v2/t1", 0.24, kSame)});
  EXPECT_THAT(findings.headline, HasSubstr("int4 is the smallest"));
  EXPECT_EQ(findings.qualifier, "");
}

TEST_F(FindingsTest, SaysSoWhenEveryVariantLoses) {
  const Findings findings = with({accuracy("v0/t1", 0.75, {}),
                                  accuracy("v1/t1", 0.25, kLost),
                                  accuracy("v2/t1", 0.25, kLost)});
  EXPECT_THAT(findings.headline,
              HasSubstr("Every variant that was fully measured is significantly worse"));
}

TEST_F(FindingsTest, AVariantThatSavesNothingIsNoRecommendation) {
  store_.set_facts("v2", {"h2", 150'000'000, 1, 8.5, ""});
  const Findings findings = with({accuracy("v0/t1", 0.75, {}),
                                  accuracy("v1/t1", 0.25, kLost),
                                  accuracy("v2/t1", 0.74, kSame)});
  EXPECT_THAT(findings.headline, HasSubstr("smaller than the reference"));
  EXPECT_THAT(findings.qualifier,
              HasSubstr("nf4 shows no significant loss, but saves nothing (150.0 MB, 150 %"));
}

TEST_F(FindingsTest, RecommendsNothingBeforeAllTasksAreDone) {
  const Findings findings = with({accuracy("v0/t1", 0.75, {})});
  EXPECT_THAT(findings.headline, HasSubstr("none can be recommended"));
  EXPECT_THAT(findings.details, Contains(HasSubstr("not complete")));
  EXPECT_THAT(findings.details, Not(Contains(HasSubstr("significant loss"))));
}

TEST_F(FindingsTest, ATaskAtItsFloorIsNamed) {
  const Findings findings = with({accuracy("v0/t1", 0, {}), accuracy("v1/t1", 0, kSame)});
  EXPECT_THAT(findings.details,
              Contains("The reference scores zero on choice_50%: there a loss cannot show."));
}

TEST_F(FindingsTest, QuestionsThatLostTheirBeginningAreNamed) {
  EXPECT_THAT(with({}).details, Not(Contains(HasSubstr("no room"))));
  store::SampleRecord cut = small_sample(2, "acc", store::ScoreRecord::Ratio{1, 1});
  cut.n_cut_tokens = 12;
  store_.add_samples("v2/t1", std::vector{cut});
  EXPECT_THAT(with({}).details,
              Contains("The model's context had no room for the beginning of choice_50% (1 of 4 "
                       "samples)."));
}

TEST_F(FindingsTest, SpeedIsComparedWithTheReference) {
  const Findings findings = with({});
  EXPECT_THAT(
      findings.details,
      Contains(
          "No variant decodes faster than the reference; the fastest is int4 (7.25 ms a token, "
          "the reference 5.25 ms)."));
}

TEST(Findings, AStudyOfSpeedAloneClaimsNoLoss) {
  const TempFolder folder;
  store::Store store = small_store(folder / "s.db");
  store::Plan plan = small_plan();
  plan.tasks.clear();
  std::erase_if(plan.units, [](const store::UnitRecord& unit) { return !unit.task.empty(); });
  store.replace_plan(plan);
  const Findings findings = find(gather(store));
  EXPECT_EQ(findings.headline,
            "This study asks no task, so it says nothing about losses and recommends no variant.");
  EXPECT_EQ(findings.qualifier, "");
  EXPECT_EQ(findings.compared,
            "3 variants of Mill-1B against reference, in size, memory and speed.");
  EXPECT_THAT(findings.details, Contains(HasSubstr("No variant decodes faster")));
  EXPECT_THAT(findings.details, Not(Contains(HasSubstr("significant"))));
}

TEST(Findings, AnEmptyStoreHasNothingToSay) {
  const TempFolder folder;
  const store::Store store = store::Store::open(folder / "s.db");
  EXPECT_THAT(find(gather(store)).headline, HasSubstr("nothing has been compared"));
}

TEST(Findings, PerplexityAloneDoesNotHideThatAnswersAreUnchanged) {
  const TempFolder folder;
  const Findings findings = find(gather(small_store(folder / "s.db")));
  EXPECT_THAT(findings.headline,
              HasSubstr("significantly worse than the reference on at least one task"));
  EXPECT_THAT(findings.qualifier,
              HasSubstr("int4 is the smallest variant without a significant loss in its"));
}

}  // namespace
}  // namespace nibble::report
