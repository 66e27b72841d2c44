#include "study/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "fakes.h"

namespace nibble::study {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The reference and two quantized ones, each with speed and two tasks.
StudyPlan three_variants() {
  Spec spec = fake_spec();
  spec.variants.push_back({"int8", "rtn-int8"});
  return make_plan(spec, fake_inputs());
}

TEST(Split, CostsAreTokens) {
  Spec spec = fake_spec();
  spec.measure->repetitions = 2;
  spec.measure->warmups = 1;
  spec.measure->prompt_tokens = 10;
  spec.measure->new_tokens = 5;
  const StudyPlan plan = make_plan(spec, fake_inputs());
  const PlanCosts costs = plan_costs(plan, spec.measure);
  ASSERT_EQ(costs.units.size(), 6U);
  EXPECT_EQ(costs.units[0], 45U);
  // "context 0" and " yes" ten times: 13 bytes each, four a token
  EXPECT_EQ(costs.units[2], 10U * 13 / 4);
  EXPECT_THAT(costs.variants, ElementsAre(256U, 1256U));
}

std::size_t cost_of(std::string_view recipe) {
  return making_cost(quant::load_recipe(recipe).take());
}

TEST(MakingCost, IsByMethodAndText) {
  EXPECT_EQ(cost_of("rtn-int4"), 1'000U);
  EXPECT_EQ(cost_of("hqq-int4"), 6'000U);
  EXPECT_EQ(cost_of("paper/gptq-4bit"), 11'000U + 8 * 128 * 512);
  // scales, clipping, rounding
  EXPECT_EQ(cost_of("awq-4bit-g128"), 87'000U + 44 * 8 * 512 + 1'000);
}

TEST(MakingCost, OfTuningIsBySteps) {
  // 20 steps of 4 windows of 128, from 32 windows
  EXPECT_EQ(cost_of("autoround-4bit-g128-small"), 19U * 20 * 4 * 128 + 13 * 32 * 128);
}

TEST(MakingCost, OfKeptWeightsIsNone) {
  EXPECT_EQ(cost_of("kivi-4"), 0U);
}

TEST(Split, EveryUnitIsInOneShareWhateverTheirNumber) {
  const StudyPlan plan = three_variants();
  const PlanCosts costs = plan_costs(plan, fake_spec().measure);
  for (std::size_t n = 1; n <= 12; ++n) {
    const auto shares = split_plan(plan, costs, n);
    ASSERT_EQ(shares.size(), n);
    std::vector<std::size_t> all;
    for (const PlanShare& share : shares) {
      EXPECT_TRUE(std::ranges::is_sorted(share.units));
      all.insert(all.end(), share.units.begin(), share.units.end());
    }
    std::ranges::sort(all);
    std::vector<std::size_t> wanted(plan.units.size());
    std::iota(wanted.begin(), wanted.end(), std::size_t{0});
    EXPECT_EQ(all, wanted) << n << " shares";
  }
}

TEST(Split, VariantsStayTogetherWhileThereIsOneForEachShare) {
  const auto shares = split_plan(three_variants(), {{5, 5, 5, 5, 5, 5, 5, 5, 5}, {1, 1, 1}}, 3);
  EXPECT_THAT(shares[0].units, ElementsAre(0, 1, 2));
  EXPECT_THAT(shares[1].units, ElementsAre(3, 4, 5));
  EXPECT_THAT(shares[2].units, ElementsAre(6, 7, 8));
  EXPECT_EQ(shares[2].cost, 16U);
}

TEST(Split, ADearVariantIsCutBetweenItsUnits) {
  const auto shares = split_plan(three_variants(), {{90, 90, 90, 1, 1, 1, 1, 1, 1}, {2, 2, 2}}, 3);
  EXPECT_THAT(shares[0].units, ElementsAre(0, 3, 4, 5));  // the cheap variants stay whole
  EXPECT_THAT(shares[1].units, ElementsAre(1, 6, 7, 8));
  EXPECT_THAT(shares[2].units, ElementsAre(2));
  EXPECT_EQ(shares[0].cost, 92U + 5);
  EXPECT_EQ(shares[2].cost, 92U);
}

TEST(Split, MoreSharesThanUnitsLeaveSomeEmpty) {
  const StudyPlan plan = three_variants();
  const auto shares = split_plan(plan, plan_costs(plan, fake_spec().measure), 20);
  EXPECT_THAT(shares.back().units, IsEmpty());
}

TEST(Split, UnitsAreCalledByVariantAndTask) {
  const auto names = unit_names(three_variants());
  ASSERT_EQ(names.size(), 9U);
  EXPECT_EQ(names[0], "reference/speed");
  EXPECT_EQ(names[8], "int8/b");
}

TEST(Split, LinesNameUnitsAndCosts) {
  const StudyPlan plan = three_variants();
  const PlanCosts costs{{7, 5, 5, 7, 5, 5, 7, 5, 5}, {1, 1, 1}};
  const auto lines = split_lines(plan, costs, split_plan(plan, costs, 3));
  ASSERT_EQ(lines.size(), 3U + 3U + 3U);
  EXPECT_THAT(lines[0], HasSubstr("speed"));
  EXPECT_THAT(lines[0], HasSubstr("7 tokens a variant"));
  EXPECT_THAT(lines[6], HasSubstr("part 1 of 3: 3 units, 18 tokens"));
  EXPECT_THAT(lines[6], HasSubstr("reference/speed 7, reference/a 5"));
}

TEST(Split, ALongNameMovesTheNumbersOfAllLines) {
  StudyPlan plan = three_variants();
  plan.variants[1].record.name = "gptq-4bit-g128-by-activation";
  const PlanCosts costs{{7, 5, 5, 7, 5, 5, 7, 5, 5}, {1, 1, 1}};
  const auto lines = split_lines(plan, costs, split_plan(plan, costs, 3));
  const std::size_t at = lines[0].find(" tokens");
  for (std::size_t i = 1; i < 6; ++i) {
    EXPECT_EQ(lines[i].find(" tokens"), at) << lines[i];
  }
}

}  // namespace
}  // namespace nibble::study
