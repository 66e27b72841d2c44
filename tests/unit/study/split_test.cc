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
  EXPECT_THAT(costs.variants, ElementsAre(256U, 256U));
}

TEST(Split, CalibrationCostsItsTextTwice) {
  Spec spec = fake_spec();
  spec.variants[1].recipe = "gptq-4bit-g128";
  const StudyPlan plan = make_plan(spec, fake_inputs());
  const auto& calibration = *plan.variants[1].recipe->calibration;
  EXPECT_EQ(plan_costs(plan, spec.measure).variants[1],
            256U + 2 * calibration.n_windows * calibration.window);
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

}  // namespace
}  // namespace nibble::study
