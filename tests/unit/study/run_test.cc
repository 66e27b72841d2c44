#include "study/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>

#include "base/error.h"
#include "fakes.h"
#include "rag/answer/attention_record.h"
#include "support/files.h"

namespace nibble::study {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Everything that a study stores except times, as text.
std::string dump(const store::Store& store) {
  std::string out;
  for (const store::UnitRecord& unit : store.plan().units) {
    out += fmt::format("unit {} {}\n", unit.id, unit.task);
    for (const std::size_t index : store.sample_indexes(unit.id)) {
      const auto sample = store.sample(unit.id, index).value();
      out += fmt::format("{} {} {}", index, sample.sample_id, sample.answer);
      for (const store::ScoreRecord& score : sample.scores) {
        out += score.ratio
                   ? fmt::format(" {} {}/{}", score.metric, score.ratio->sum, score.ratio->weight)
                   : fmt::format(" {} none", score.metric);
      }
      out += "\n";
    }
  }
  for (const store::SummaryRecord& row : store.summaries()) {
    out += fmt::format("{} {} {} {}\n", row.unit, row.n, row.unanswered, row.value.value_or(-1));
  }
  return out;
}

class RunTest : public ::testing::Test {
 protected:
  std::vector<VariantFailure> run(store::Store& store, FakeRunner& runner) {
    enter_plan(store, plan_, spec_, "study.db");
    return run_plan(store, plan_, spec_, runner, silent_progress());
  }
  std::string uninterrupted() {
    store::Store store = store::Store::in_memory();
    FakeRunner runner;
    run(store, runner);
    return dump(store);
  }
  Spec spec_ = fake_spec();
  StudyPlan plan_ = make_plan(spec_, fake_inputs());
};

/// One sample whose attention is measured; the answer is the forced one, or 1, 2, 3.
class LookingTask final : public eval::Task {
 public:
  [[nodiscard]] const eval::TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return 1; }
  [[nodiscard]] eval::Sample sample(std::size_t /*index*/) const override {
    return {"q", {eval::EvidenceRequest{}}, "", ""};
  }
  [[nodiscard]] eval::SampleResult score(const eval::Sample& sample,
                                         std::span<const eval::Response>) const override {
    const auto& forced = std::get<eval::EvidenceRequest>(sample.requests.at(0)).forced;
    rag::AttentionRecord record;
    record.answer = {1, 2, 3};
    eval::SampleResult result;
    result.scores["n_forced"] = eval::Contribution{static_cast<double>(forced.size())};
    result.attention = rag::pack(record);
    return result;
  }

 private:
  eval::TaskInfo info_{.name = "looks", .metrics = {{"n_forced", "tokens"}}};
};

TEST_F(RunTest, VariantsReadTheReferencesAnswer) {
  PlanInputs inputs = fake_inputs();
  inputs.tasks = {std::make_shared<LookingTask>()};
  spec_.measure.reset();
  plan_ = make_plan(spec_, inputs);
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  EXPECT_THAT(run(store, runner), IsEmpty());
  const auto n_forced = [&store](std::size_t unit) {
    return store.scores(store.plan().units.at(unit).id, "n_forced").at(0).ratio->sum;
  };
  EXPECT_EQ(n_forced(0), 0);  // the reference reads its own
  EXPECT_EQ(n_forced(1), 3);
}

TEST_F(RunTest, RunsEveryUnitOnce) {
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  EXPECT_THAT(run(store, runner), IsEmpty());
  EXPECT_EQ(runner.n_answered, 160U);
  EXPECT_EQ(runner.n_opened, 2U);
  EXPECT_EQ(store.plan().variants[1].facts->model_hash, "hash of int4");
  EXPECT_EQ(store.summaries().size(), 4U);
  EXPECT_THAT(run(store, runner), IsEmpty());  // nothing is left to do
  EXPECT_EQ(runner.n_answered, 160U);
  EXPECT_EQ(runner.n_opened, 2U);
}

TEST_F(RunTest, StoresWhichSamplesWereAskedInPart) {
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  run(store, runner);
  EXPECT_EQ(store.cut_samples(plan_.units[1].id).asked, 7U);  // one of ten
  EXPECT_EQ(store.cut_samples(plan_.units[1].id).answered, 0U);
  EXPECT_EQ(store.sample(plan_.units[1].id, 9)->n_cut_tokens, 5U);
}

TEST_F(RunTest, InterruptedAnywhereItEndsWithTheSameRecords) {
  const std::string wanted = uninterrupted();
  for (std::size_t stop_at = 0; stop_at < 160; stop_at += 10) {
    store::Store store = store::Store::in_memory();
    FakeRunner interrupted;
    interrupted.before_answer = [&](std::size_t n) {
      if (n >= stop_at) {
        raise(ErrorCode::kCancelled, "stop");
      }
    };
    EXPECT_THROW(run(store, interrupted), Error);
    FakeRunner rest;
    run(store, rest);
    EXPECT_EQ(dump(store), wanted) << "stopped at " << stop_at;
    EXPECT_EQ(interrupted.n_answered + rest.n_answered, 160U);  // no stored sample is asked again
  }
}

TEST_F(RunTest, CancellingSaysHowToGoOn) {
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  runner.before_answer = [](std::size_t n) {
    if (n >= 32) {
      raise(ErrorCode::kCancelled, "stop");
    }
  };
  try {
    run(store, runner);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
    EXPECT_THAT(error.what(), HasSubstr("32 samples of this run are stored"));
    EXPECT_THAT(error.what(), HasSubstr("same command"));
  }
}

TEST_F(RunTest, WhatIsStoredIsSummedUpBeforeAStop) {
  for (const ErrorCode why : {ErrorCode::kCancelled, ErrorCode::kIo}) {
    store::Store store = store::Store::in_memory();
    FakeRunner runner;
    runner.before_answer = [why](std::size_t n) {
      if (n >= 150) {  // in front of int4's second task
        raise(why, "stop");
      }
    };
    EXPECT_THROW(run(store, runner), Error);
    EXPECT_EQ(store.summaries().size(), 3U) << static_cast<int>(why);
    FakeRunner rest;
    run(store, rest);
    EXPECT_EQ(dump(store), uninterrupted());
  }
}

TEST_F(RunTest, ManyVariantsAreSummedUpInTheEnd) {
  spec_.measure.reset();
  for (const char* recipe : {"rtn-int8", "rtn-int3", "nf4", "fp4", "hqq-int4", "hqq-int3"}) {
    spec_.variants.push_back({recipe, recipe});
  }
  plan_ = make_plan(spec_, fake_inputs());
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  run(store, runner);
  EXPECT_EQ(store.summaries().size(), 16U);
  for (const store::SummaryRecord& row : store.summaries()) {
    EXPECT_EQ(row.comparison.has_value(),
              row.unit != plan_.units[0].id && row.unit != plan_.units[1].id);
  }
}

TEST_F(RunTest, AFailingVariantDoesNotEndTheStudy) {
  spec_.variants.push_back({"int8", "rtn-int8"});
  plan_ = make_plan(spec_, fake_inputs());
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  runner.on_open = [](const PlannedVariant& variant) {
    if (variant.record.name == "int4") {
      raise(ErrorCode::kShapeMismatch, "group 96 does not divide 576");
    }
  };
  const auto failures = run(store, runner);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].variant, "int4");
  EXPECT_EQ(store.failures().size(), 3U);
  EXPECT_EQ(runner.n_answered, 160U);
  runner.on_open = nullptr;  // the cause is gone: the next run makes it good
  EXPECT_THAT(run(store, runner), IsEmpty());
  EXPECT_THAT(store.failures(), IsEmpty());
  EXPECT_EQ(runner.n_answered, 240U);
}

TEST_F(RunTest, AVariantWithoutEnoughMemoryDoesNotEndTheStudy) {
  spec_.variants.push_back({"int8", "rtn-int8"});
  plan_ = make_plan(spec_, fake_inputs());
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  runner.on_open = [](const PlannedVariant& variant) {
    if (variant.record.name == "int4") {
      throw std::bad_alloc();
    }
  };
  const auto failures = run(store, runner);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].variant, "int4");
  EXPECT_EQ(failures[0].failure.code, ErrorCode::kOutOfMemory);
  ASSERT_EQ(store.failures().size(), 3U);
  EXPECT_EQ(store.failures()[0].message, "memory ran out");
  EXPECT_EQ(runner.n_answered, 160U);
}

TEST_F(RunTest, AFailingReferenceAndAFullDiskEndIt) {
  store::Store store = store::Store::in_memory();
  for (const auto& [name, code] :
       {std::pair("reference", ErrorCode::kUnsupported), std::pair("int4", ErrorCode::kIo)}) {
    FakeRunner runner;
    runner.on_open = [&, wanted = std::string(name), why = code](const PlannedVariant& variant) {
      if (variant.record.name == wanted) {
        raise(why, "no");
      }
    };
    try {
      run(store, runner);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
    }
  }
}

TEST_F(RunTest, AStoreOfAnotherStudyIsRefusedAndLeftAlone) {
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  run(store, runner);
  const std::string before = dump(store);
  PlanInputs changed = fake_inputs();
  changed.source.weights_hash = "changed";
  const StudyPlan other = make_plan(spec_, changed);
  try {
    enter_plan(store, other, spec_, "out/study.db");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_THAT(error.what(),
                HasSubstr("source weights: stored 'SHA-256 weights', now 'SHA-256 changed'"));
  }
  EXPECT_EQ(dump(store), before);
}

TEST_F(RunTest, AChangedRecipeRunsOnlyWhatIsNew) {
  store::Store store = store::Store::in_memory();
  FakeRunner runner;
  run(store, runner);
  spec_.variants[1].recipe = "rtn-int8";
  plan_ = make_plan(spec_, fake_inputs());
  run(store, runner);
  EXPECT_EQ(runner.n_answered, 240U);
  EXPECT_EQ(store.summaries().size(), 4U);
  EXPECT_EQ(store.plan().variants[1].recipe_name, "rtn-int8");
}

}  // namespace
}  // namespace nibble::study
