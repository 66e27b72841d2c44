#include "study/share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "fakes.h"
#include "study/run.h"
#include "study/study.h"
#include "support/files.h"

namespace nibble::study {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// One sample in which it is measured where the model looks.
class WatchedTask final : public eval::Task {
 public:
  [[nodiscard]] const eval::TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return 1; }
  [[nodiscard]] eval::Sample sample(std::size_t /*index*/) const override {
    return {"q", {eval::EvidenceRequest{}}, "", ""};
  }
  [[nodiscard]] eval::SampleResult score(const eval::Sample&,
                                         std::span<const eval::Response>) const override {
    return {};
  }

 private:
  eval::TaskInfo info_{.name = "watched", .metrics = {{"acc", "fraction"}}};
};

TEST(Share, PartsAreWrittenIOfN) {
  const PlanPart part = parse_part("3/8").take();
  EXPECT_EQ(part.number, 3U);
  EXPECT_EQ(part.n_parts, 8U);
  EXPECT_EQ(part_folder("out", part), "out/parts/3-of-8");
  for (const char* wrong : {"", "3", "0/8", "9/8", "-1/8", "3/8x", "a/b", "1/99999", "/"}) {
    EXPECT_THAT(parse_part(wrong).failure().message, HasSubstr("wanted I/N")) << wrong;
  }
}

TEST(Share, StoresOfPartsAreThoseThatHaveBegun) {
  const testing::TempFolder folder;
  EXPECT_THAT(part_stores(folder.path()), IsEmpty());
  for (const char* name : {"2-of-3", "1-of-3", "3-of-3"}) {
    std::filesystem::create_directories(folder / "parts" / name);
  }
  testing::write_file(folder / "parts/2-of-3/study.db", "x");
  testing::write_file(folder / "parts/1-of-3/study.db", "x");
  EXPECT_THAT(part_stores(folder.path()),
              ElementsAre(folder / "parts/1-of-3/study.db", folder / "parts/2-of-3/study.db"));
}

TEST(Share, AnEmptyFileIsNoStoreThatHasBegun) {
  const testing::TempFolder folder;
  EXPECT_FALSE(is_store(folder / "study.db"));
  testing::write_file(folder / "study.db", "");
  EXPECT_FALSE(is_store(folder / "study.db"));
  testing::write_file(folder / "study.db", "x");
  EXPECT_TRUE(is_store(folder / "study.db"));
}

TEST(Share, UnitsAreNamedByVariantAndTask) {
  const StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  EXPECT_THAT(named_units(plan, std::vector<std::string>{"int4/a", "reference/speed"}),
              UnorderedElementsAre(plan.units[4].id, plan.units[0].id));
  EXPECT_EQ(named_units(plan, std::vector<std::string>{"int4"}).size(), 3U);
  PlanInputs inputs = fake_inputs();
  inputs.tasks[0] = std::make_shared<FakeTask>("choice:quiz/own.jsonl", 70);
  EXPECT_EQ(named_units(make_plan(fake_spec(), inputs), std::vector<std::string>{"int4"}).size(),
            3U);
  try {
    named_units(plan, std::vector<std::string>{"int5/a"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'int4/a'"));
  }
}

TEST(Share, ARunTakesItsShareAndNothingElse) {
  const Spec spec = fake_spec();
  StudyPlan plan = make_plan(spec, fake_inputs());
  plan.share = UnitSet{plan.units[4].id};
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  enter_plan(store, plan, spec, "study.db");
  run_plan(store, plan, spec, runner, silent_progress());
  EXPECT_EQ(runner.n_opened, 1U);
  EXPECT_EQ(runner.n_answered, 70U);
  EXPECT_THAT(whole_units(plan, PlanIndex(plan), store), ElementsAre(plan.units[4].id));
  plan.share = UnitSet{};
  run_plan(store, plan, spec, runner, silent_progress());
  EXPECT_EQ(runner.n_opened, 1U);
  plan.share.reset();
  run_plan(store, plan, spec, runner, silent_progress());
  EXPECT_EQ(whole_units(plan, PlanIndex(plan), store).size(), 6U);
  EXPECT_EQ(runner.n_answered, 160U);
}

TEST(Share, WhatIsComparedWithTheReferencesAnswersTakesThemAlong) {
  Spec spec = fake_spec();
  spec.measure.reset();
  PlanInputs inputs = fake_inputs();
  inputs.tasks = {inputs.tasks[0], std::make_shared<WatchedTask>()};
  const StudyPlan plan = make_plan(spec, inputs);
  EXPECT_THAT(with_references(plan, {plan.units[2].id}), ElementsAre(plan.units[2].id));
  EXPECT_THAT(with_references(plan, {plan.units[3].id}),
              UnorderedElementsAre(plan.units[3].id, plan.units[1].id));
}

TEST(Share, WhatIsAskedOverDocumentsTakesTheirSearchAlong) {
  StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  plan.tasks[0].reads = "a search";
  EXPECT_THAT(with_references(plan, {plan.units[4].id}),
              UnorderedElementsAre(plan.units[4].id, "a search"));
  EXPECT_THAT(with_references(plan, {plan.units[5].id}), ElementsAre(plan.units[5].id));
}

}  // namespace
}  // namespace nibble::study
