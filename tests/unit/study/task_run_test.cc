#include "study/task_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cancel.h"
#include "base/error.h"
#include "study/sample_record.h"
#include "unit/study/judged_tiny.h"

namespace nibble::study {
namespace {

using ::testing::ElementsAre;

TEST(TaskRun, StoresEverySampleWithItsResponses) {
  JudgedTiny tiny;
  store::Store store = tiny.store();
  run_task(store, tiny.unit(), *tiny.engine, *tiny.tasks[0], silent_progress());
  EXPECT_THAT(store.sample_indexes(tiny.unit()), ElementsAre(0U, 1U, 2U, 3U, 4U));
  const auto sample = store.sample(tiny.unit(), 3);
  EXPECT_EQ(sample->sample_id, "q3");
  EXPECT_EQ(sample->chance, 0.5);
  EXPECT_THAT(sample->responses, ::testing::MatchesRegex(R"(\[\[-[0-9.e-]+,(true|false)\],.*\])"));
}

TEST(TaskRun, AsksOnlyWhatIsMissingAndEndsWithTheSameRecords) {
  JudgedTiny tiny;
  store::Store whole = tiny.store();
  run_task(whole, tiny.unit(), *tiny.engine, *tiny.tasks[0], silent_progress());
  store::Store resumed = tiny.store();
  for (const std::size_t i : {1U, 4U}) {
    resumed.add_samples(tiny.unit(), std::vector{*whole.sample(tiny.unit(), i)});
  }
  const std::size_t before = tiny.engine->counters().n_requests;
  run_task(resumed, tiny.unit(), *tiny.engine, *tiny.tasks[0], silent_progress());
  EXPECT_EQ(tiny.engine->counters().n_requests - before, 6U);  // three questions, two choices each
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(resumed.sample(tiny.unit(), i)->responses, whole.sample(tiny.unit(), i)->responses);
  }
}

/// Asks for a stop once the first sample is answered.
class StopAfterFirst final : public ProgressSink {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {
    if (n_answered++ == 0) {
      throw Error({ErrorCode::kCancelled, "stopped"});
    }
  }
  void end() override { ++n_ended; }
  void note(std::string_view) override {}
  int n_answered = 0, n_ended = 0;
};

TEST(TaskRun, AStopLosesNoAnswer) {
  JudgedTiny tiny;
  store::Store store = tiny.store();
  StopAfterFirst stop;
  EXPECT_THROW(run_task(store, tiny.unit(), *tiny.engine, *tiny.tasks[0], stop), Error);
  EXPECT_EQ(store.sample_indexes(tiny.unit()).size(), 1U);
  EXPECT_EQ(stop.n_ended, 1);
  run_task(store, tiny.unit(), *tiny.engine, *tiny.tasks[0], silent_progress());
  EXPECT_EQ(store.sample_indexes(tiny.unit()).size(), 5U);
}

TEST(TaskRun, OutcomeCountsFlagsAndSaysWhatGuessingWouldGive) {
  JudgedTiny tiny;
  store::Store store = tiny.store();
  std::vector<store::SampleRecord> samples;
  for (std::size_t i = 0; i < 5; ++i) {
    eval::SampleResult result;
    result.scores = {{"acc", eval::Contribution{i == 0 ? 1.0 : 0.0, 1}},
                     {"acc_norm", std::nullopt}};
    result.chance = 0.5;
    if (i < 2) {
      result.flags = {eval::Flag::kEqualOptions};
    }
    if (i == 1) {
      result.flags.push_back(eval::Flag::kNotFinite);
    }
    samples.push_back(sample_record(tiny.tasks[0]->sample(i), result));
  }
  store.add_samples(tiny.unit(), samples);
  const TaskOutcome outcome = task_outcome(store, tiny.unit(), *tiny.tasks[0]);
  EXPECT_EQ(outcome.doubts.flags.at("equal options"), 2U);
  EXPECT_EQ(outcome.doubts.flags.at("not finite"), 1U);
  EXPECT_EQ(outcome.doubts.chance, 0.5);
  EXPECT_TRUE(outcome.is_at_chance);  // 1 of 5 of two choices
  EXPECT_EQ(outcome.metrics.at(0).interval.value, 0.2);
  EXPECT_EQ(outcome.metrics.at(1).n_unanswered, 5U);
}

TEST(TaskRun, UnitsOfOtherModelsAndSettingsAreOthers) {
  JudgedTiny tiny;
  const auto unit = [&](auto change) {
    JudgedModel other = tiny.identity;
    change(other);
    return task_plan(other, tiny.tasks).units.front().id;
  };
  EXPECT_EQ(unit([](JudgedModel& m) { m.name = std::string("renamed"); }), tiny.unit());
  EXPECT_NE(unit([](JudgedModel& m) { m.model_hash = std::string("x"); }), tiny.unit());
  EXPECT_NE(unit([](JudgedModel& m) { m.arithmetic = std::string("native"); }), tiny.unit());
  EXPECT_NE(unit([](JudgedModel& m) { m.kv = std::string("kivi-4"); }), tiny.unit());
  EXPECT_NE(unit([](JudgedModel& m) { m.add_bos = true; }), tiny.unit());
  EXPECT_NE(unit([](JudgedModel& m) { m.program = std::string("x"); }), tiny.unit());
  EXPECT_NE(unit([](JudgedModel& m) { m.reference_hash = std::string("x"); }), tiny.unit());
}

}  // namespace
}  // namespace nibble::study
