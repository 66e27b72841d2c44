#include "study/study_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "eval/results/lm_eval_results.h"
#include "study/sample_record.h"
#include "unit/study/judged_tiny.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Notes final : public ProgressSink {
 public:
  void begin(std::string_view /*what*/, std::size_t /*total*/) override {}
  void advance(std::size_t /*n*/) override {}
  void note(std::string_view text) override { all += std::string(text) + "\n"; }
  void end() override {}
  std::string all;
};

/// A study of the tiny model with one task of five questions.
class StudyResultsTest : public ::testing::Test {
 protected:
  StudyResultsTest() {
    spec_.name = "tiny study";
    spec_.model = "tiny";
    spec_.tasks = {{.name = "five", .limit = 5}};
    plan_.variants.push_back({tiny_.plan.variants.front(), {}, nullptr});
    plan_.variants.front().record.name = "as it is";
    plan_.variants.front().record.facts = store::VariantFacts{"abc", 1000, 900, 4.5, "1 x int4"};
    plan_.tasks.push_back({task_record(*tiny_.tasks[0]),
                           std::shared_ptr<const eval::Task>(tiny_.tasks[0].get(), [](auto*) {})});
    plan_.units = tiny_.plan.units;
  }
  void write() {
    const AnsweringModel model{*tiny_.model.tokenizer, 64, ""};
    write_study_results(folder_.path(),
                        {spec_,
                         plan_,
                         store_,
                         model,
                         tiny_.model.model->config(),
                         "nibble of the test",
                         "generic",
                         1795935230.5},
                        notes_);
  }
  JudgedTiny tiny_;
  store::Store store_ = tiny_.store();
  Spec spec_;
  StudyPlan plan_;
  testing::TempFolder folder_;
  Notes notes_;
};

TEST_F(StudyResultsTest, AVariantHasFilesOfItsTasks) {
  run_task(store_, tiny_.unit(), *tiny_.engine, *tiny_.tasks[0], silent_progress());
  write();
  const fs::path folder = folder_ / "as it is";
  const std::string time = eval::lm_eval_time(1795935230.5);
  const auto results =
      nlohmann::json::parse(testing::read_file(folder / fmt::format("results_{}.json", time)));
  EXPECT_EQ(results.at("results").at("five").at("sample_len"), 5);
  EXPECT_EQ(results.at("config").at("limit"), 5.0);
  EXPECT_EQ(results.at("config").at("model_sha"), "abc");
  EXPECT_TRUE(results.at("total_evaluation_time_seconds").is_null());
  EXPECT_EQ(results.at("nibble").at("conditions").at("variant"), "as it is");
  EXPECT_EQ(results.at("nibble").at("conditions").at("arithmetic"), "deterministic");
  const std::string samples =
      testing::read_file(folder / fmt::format("samples_five_{}.jsonl", time));
  EXPECT_EQ(std::ranges::count(samples, '\n'), 5);
  EXPECT_THAT(notes_.all, HasSubstr("results: " + folder.string()));
}

TEST_F(StudyResultsTest, WhatIsNotCompleteIsLeftOutAndSaid) {
  write();
  EXPECT_FALSE(fs::exists(folder_ / "as it is"));
  EXPECT_THAT(notes_.all, HasSubstr("as it is: five is not complete"));
}

}  // namespace
}  // namespace nibble::study
