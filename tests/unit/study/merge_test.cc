#include "study/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/folder_lock.h"
#include "fakes.h"
#include "study/run.h"
#include "study/share.h"
#include "study/split.h"
#include "support/files.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MergeStoresTest : public ::testing::Test {
 protected:
  MergeStoresTest() {
    spec_.variants.push_back({"int8", "rtn-int8"});
    plan_ = make_plan(spec_, fake_inputs());
  }
  /// Runs the units into the store of that name; all of them without.
  fs::path run(std::string_view name, std::optional<UnitSet> units = {}) {
    StudyPlan plan = plan_;
    plan.share = std::move(units);
    const fs::path path = folder_ / name;
    store::Store store = store::Store::open(path);
    FakeRunner runner;
    enter_plan(store, plan, spec_, path);
    run_plan(store, plan, spec_, runner, silent_progress());
    return path;
  }
  MergeOutcome merge(std::string_view name, const std::vector<fs::path>& stores) {
    return merge_stores(folder_ / name, stores, silent_progress());
  }
  std::string bytes(std::string_view name) { return testing::read_file(folder_ / name); }

  testing::TempFolder folder_;
  Spec spec_ = fake_spec();
  StudyPlan plan_;
};

TEST_F(MergeStoresTest, AnyNumberOfPartsGivesTheBytesOfOneRun) {
  const fs::path single = run("single.db");
  const MergeOutcome whole = merge("whole.db", {single});
  EXPECT_EQ(whole.completeness.whole, 9U);
  EXPECT_EQ(whole.completeness.samples, 240U);
  const PlanCosts costs = plan_costs(plan_, spec_.measure);
  for (const std::size_t n : {2U, 3U, 5U, 10U}) {
    std::vector<fs::path> parts;
    for (const PlanShare& share : split_plan(plan_, costs, n)) {
      UnitSet units;
      for (const std::size_t unit : share.units) {
        units.insert(plan_.units[unit].id);
      }
      parts.push_back(run(fmt::format("{}-of-{}.db", parts.size(), n), units));
    }
    const std::string name = fmt::format("of{}.db", n);
    EXPECT_THAT(merge(name, parts).completeness.missing, IsEmpty());
    EXPECT_EQ(bytes(name), bytes("whole.db")) << n << " parts";
    merge(name, parts);
    EXPECT_EQ(bytes(name), bytes("whole.db")) << n << " parts, again";
  }
}

TEST_F(MergeStoresTest, SummariesAreThoseOfOneRun) {
  const fs::path single = run("single.db");
  merge("all.db",
        {run("a.db", UnitSet{plan_.units[1].id, plan_.units[2].id}),
         run("b.db", UnitSet{plan_.units[4].id, plan_.units[7].id})});
  const auto wanted = store::Store::open_read_only(single).summaries();
  const auto found = store::Store::open_read_only(folder_ / "all.db").summaries();
  ASSERT_EQ(found.size(), 4U);
  for (const store::SummaryRecord& row : found) {
    const auto same = std::ranges::find_if(wanted, [&row](const store::SummaryRecord& other) {
      return other.unit == row.unit && other.metric == row.metric;
    });
    ASSERT_NE(same, wanted.end());
    EXPECT_EQ(same->value, row.value);
    EXPECT_EQ(same->comparison.has_value(), row.comparison.has_value());
  }
}

TEST_F(MergeStoresTest, WhatIsMissingIsNamed) {
  const MergeOutcome outcome = merge(
      "all.db", {run("a.db", UnitSet{plan_.units[0].id, plan_.units[1].id, plan_.units[2].id})});
  EXPECT_EQ(outcome.completeness.whole, 3U);
  EXPECT_THAT(outcome.completeness.missing,
              ElementsAre("int4/speed",
                          "int4/a: 0 of 70 samples",
                          "int4/b: 0 of 10 samples",
                          "int8/speed",
                          "int8/a: 0 of 70 samples",
                          "int8/b: 0 of 10 samples"));
}

TEST_F(MergeStoresTest, AStudyGoesOnFromWhatWasMerged) {
  merge("all.db", {run("a.db", UnitSet{plan_.units[1].id})});
  run("all.db");
  merge("canonical.db", {folder_ / "all.db"});
  merge("whole.db", {run("single.db")});
  EXPECT_EQ(bytes("canonical.db"), bytes("whole.db"));
}

TEST_F(MergeStoresTest, AFolderThatIsInUseIsLeftAlone) {
  const fs::path a = run("a.db");
  const FolderLock lock(folder_.path(), "all.lock", "someone");
  EXPECT_THROW(merge("all.db", {a}), Error);
  EXPECT_FALSE(fs::exists(folder_ / "all.db"));
}

}  // namespace
}  // namespace nibble::study
