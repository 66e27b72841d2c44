#include "study/summarize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace nibble::study {
namespace {

using Ratio = store::ScoreRecord::Ratio;

/// A reference and a variant on one task with two metrics; `acc` is the headline.
class SummarizeTest : public ::testing::Test {
 protected:
  SummarizeTest() {
    store::Plan plan;
    plan.variants = {{"v0", "reference", "none", "", "", {}},
                     {"v1", "int4", "rtn-int4", "", "", {}}};
    plan.tasks = {{"t",
                   "t",
                   1,
                   "",
                   "",
                   4,
                   {{"acc", "fraction", true, "identity"}, {"ppl", "", false, "exp"}}}};
    plan.units = {{"u0", "v0", "t", ""}, {"u1", "v1", "t", ""}};
    store_.replace_plan(plan);
  }
  void add(const std::string& unit, std::size_t index, std::optional<double> acc, double nats) {
    store::ScoreRecord score{"acc", {}};
    if (acc) {
      score.ratio = Ratio{*acc, 1};
    }
    store_.add_samples(unit,
                       std::vector<store::SampleRecord>{
                           {index, "s", "", "", "", {score, {"ppl", Ratio{nats, 10}}}}});
  }
  store::Store store_ = store::Store::in_memory();
};

TEST_F(SummarizeTest, UnansweredSamplesAreCountedNotAveraged) {
  for (std::size_t i = 0; i < 4; ++i) {
    add("u0", i, i == 3 ? std::nullopt : std::optional(i == 0 ? 0.0 : 1.0), 20);
  }
  const auto rows = summarize(store_);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].metric, "acc");
  EXPECT_EQ(rows[0].n, 3U);
  EXPECT_EQ(rows[0].unanswered, 1U);
  EXPECT_DOUBLE_EQ(rows[0].value.value(), 2.0 / 3);
  EXPECT_FALSE(rows[0].comparison);
  EXPECT_DOUBLE_EQ(rows[1].value.value(), std::exp(2.0));
}

TEST_F(SummarizeTest, SearchesAreComparedWithTheFirstRetriever) {
  store::Plan plan = store_.plan();
  plan.variants.push_back({"r0", "words over s", std::string(store::kRetrieverRecipe), "", "", {}});
  plan.variants.push_back({"r1", "mini over s", std::string(store::kRetrieverRecipe), "", "", {}});
  plan.tasks.push_back(
      {"s", "s search for 2", 1, "", "", 2, {{"acc", "fraction", true, "identity"}}});
  plan.units.push_back({"u2", "r0", "s", ""});
  plan.units.push_back({"u3", "r1", "s", ""});
  store_.replace_plan(plan);
  for (std::size_t i = 0; i < 2; ++i) {
    add("u2", i, 1.0, 1);
    add("u3", i, i == 0 ? 1.0 : 0.0, 1);
  }
  const auto rows = summarize(store_);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_FALSE(rows[0].comparison);
  ASSERT_TRUE(rows[1].comparison);
  EXPECT_DOUBLE_EQ(rows[1].comparison->difference, -0.5);
}

TEST_F(SummarizeTest, AnIncompleteUnitIsNotSummarised) {
  add("u0", 0, 1, 20);
  EXPECT_TRUE(summarize(store_).empty());
}

TEST_F(SummarizeTest, DifferencesPairTheSamplesThatBothAnswered) {
  const std::vector<double> reference = {1, 1, 1, 0};
  const std::vector<std::optional<double>> variant = {0, 1, std::nullopt, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    add("u0", i, reference[i], 20);
    add("u1", i, variant[i], 21);
  }
  const auto rows = summarize(store_);
  ASSERT_EQ(rows.size(), 4U);
  const auto& acc = rows[2].comparison.value();
  EXPECT_EQ(acc.n, 3U);
  EXPECT_NEAR(acc.difference, 0, 1e-12);
  EXPECT_EQ(acc.lost, 1U);
  EXPECT_EQ(acc.gained, 1U);
  const auto& ppl = rows[3].comparison.value();
  EXPECT_NEAR(ppl.difference, std::exp(2.1) - std::exp(2.0), 1e-12);
  EXPECT_FALSE(ppl.lost);
  // Each family holds one comparison, so Holm leaves both p-values as they are.
  EXPECT_EQ(acc.p_adjusted, acc.p_value);
  EXPECT_EQ(ppl.p_adjusted, ppl.p_value);
}

TEST(SummarizeDistance, IsNoMemberOfTheFamily) {
  store::Store store = store::Store::in_memory();
  store::Plan plan;
  plan.variants = {{"v0", "reference", "none", "", "", {}}, {"v1", "int4", "rtn-int4", "", "", {}}};
  plan.tasks = {{"t", "t", 1, "", "", 8, {{"acc", "fraction", true, "identity"}}},
                {"d", "d", 1, "", "", 8, {{"kl", "nats/token", false, "identity"}}}};
  plan.units = {
      {"u0", "v0", "t", ""}, {"k0", "v0", "d", ""}, {"u1", "v1", "t", ""}, {"k1", "v1", "d", ""}};
  store.replace_plan(plan);
  const auto add = [&](const std::string& unit, const std::string& metric, double value) {
    for (std::size_t i = 0; i < 8; ++i) {
      store.add_samples(
          unit,
          std::vector<store::SampleRecord>{{i, "s", "", "", "", {{metric, Ratio{value, 1}}}}});
    }
  };
  add("u0", "acc", 1);
  add("u1", "acc", 0);
  add("k0", "kl", 0);
  add("k1", "kl", 0.5);
  const auto rows = summarize(store);
  ASSERT_EQ(rows.size(), 4U);
  // One comparison, so the p-value stands as it is; with the divergence it would be doubled.
  EXPECT_EQ(rows[2].comparison->p_adjusted, rows[2].comparison->p_value);
  EXPECT_EQ(rows[3].metric, "kl");
  EXPECT_FALSE(rows[3].comparison);
  EXPECT_EQ(rows[3].value, 0.5);
}

TEST_F(SummarizeTest, WhatIsStoredIsTakenOver) {
  for (std::size_t i = 0; i < 4; ++i) {
    add("u0", i, 1, 20);
  }
  auto rows = summarize(store_);
  rows[0].low = 0.125;  // so that a fresh computation would show
  store_.replace_summaries(rows);
  EXPECT_EQ(summarize(store_)[0].low, 0.125);
  for (std::size_t i = 0; i < 4; ++i) {
    add("u1", i, i < 2 ? 1 : 0, 21);
  }
  const auto more = summarize(store_);
  ASSERT_EQ(more.size(), 4U);
  EXPECT_EQ(more[0].low, 0.125);
  EXPECT_DOUBLE_EQ(more[2].comparison->difference, -0.5);
}

TEST_F(SummarizeTest, AReferenceThatComesLastIsComparedWith) {
  for (std::size_t i = 0; i < 4; ++i) {
    add("u1", i, 1, 20);
  }
  store_.replace_summaries(summarize(store_));
  ASSERT_EQ(store_.summaries().size(), 2U);
  EXPECT_FALSE(store_.summaries()[0].comparison);
  for (std::size_t i = 0; i < 4; ++i) {
    add("u0", i, i < 2 ? 1 : 0, 20);
  }
  const auto rows = summarize(store_);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_DOUBLE_EQ(rows[2].comparison.value().difference, 0.5);
}

TEST_F(SummarizeTest, ADifferenceWithoutAChangedAnswerStillHasWidth) {
  for (std::size_t i = 0; i < 4; ++i) {
    add("u0", i, 1, 20);
    add("u1", i, 1, 20);
  }
  const auto rows = summarize(store_);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[2].comparison->difference, 0);
  EXPECT_NEAR(rows[2].comparison->high, 3.8415 / 7.8415, 1e-4);  // z^2 / (n + z^2)
  EXPECT_NEAR(rows[2].comparison->low, -3.8415 / 7.8415, 1e-4);
}

TEST_F(SummarizeTest, AnUnknownTransformIsRefused) {
  store::Plan plan = store_.plan();
  plan.tasks[0].id = plan.units[0].task = "other";
  plan.tasks[0].metrics[0].transform = "cube";
  plan.units[0].id = "u2";
  plan.units.pop_back();
  store_.replace_plan(plan);
  for (std::size_t i = 0; i < 4; ++i) {
    add("u2", i, 1, 20);
  }
  try {
    summarize(store_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_STREQ(error.what(),
                 "the store's metric acc: transform 'cube' is not known, wanted one of this "
                 "program's");
  }
}

TEST_F(SummarizeTest, NothingAnsweredHasNoValue) {
  for (std::size_t i = 0; i < 4; ++i) {
    add("u0", i, std::nullopt, 20);
    add("u1", i, 1, 20);
  }
  const auto rows = summarize(store_);
  EXPECT_EQ(rows[0].n, 0U);
  EXPECT_EQ(rows[0].unanswered, 4U);
  EXPECT_FALSE(rows[0].value);
  EXPECT_FALSE(rows[2].comparison);  // no pair
}

}  // namespace
}  // namespace nibble::study
