#include "study/plan_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "fakes.h"

namespace nibble::study {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PlanIndex, FindsVariantsTasksAndUnits) {
  const StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  for (const PlanIndex& index : {PlanIndex(plan), PlanIndex(plan.record())}) {
    EXPECT_THAT(index.units_of(0), ElementsAre(0, 1, 2));
    EXPECT_THAT(index.units_of(1), ElementsAre(3, 4, 5));
    EXPECT_EQ(index.variant_of(2), 0U);
    EXPECT_EQ(index.variant_of(3), 1U);
    EXPECT_EQ(index.task_of(3), std::nullopt);  // its speed
    EXPECT_EQ(index.task_of(5), 1U);
    EXPECT_EQ(index.find(plan.units[4].id), 4U);
    EXPECT_EQ(index.find("another"), std::nullopt);
  }
}

TEST(PlanIndex, TheReferencesUnitIsThatOfTheSameTask) {
  const StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  const PlanIndex index(plan);
  EXPECT_EQ(index.reference_of(3), 0U);
  EXPECT_EQ(index.reference_of(5), 2U);
  EXPECT_EQ(index.reference_of(2), std::nullopt);
  StudyPlan lacking = plan;
  lacking.units.erase(lacking.units.begin() + 2);
  EXPECT_EQ(PlanIndex(lacking).reference_of(4), std::nullopt);
}

TEST(PlanIndex, AUnitOfNothingThatIsPlannedIsDamage) {
  StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  plan.units[4].task = "gone";
  try {
    const PlanIndex index(plan);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("of the task 'gone', which its plan does not have"));
  }
}

}  // namespace
}  // namespace nibble::study
