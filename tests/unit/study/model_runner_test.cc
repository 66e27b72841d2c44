#include "study/model_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "fakes.h"
#include "io/checkpoint.h"
#include "support/files.h"

namespace nibble::study {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

class ModelRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
    model_ = path;
  }
  [[nodiscard]] ModelRunner::Places places() const {
    return {model_,
            folder_.path(),
            {},
            {model_, folder_.path() / "reference", "reference", Arithmetic::kNative, 512}};
  }
  TempFolder folder_;
  std::filesystem::path model_;
  ThreadPool pool_{2};
};

TEST_F(ModelRunnerTest, BuildsAVariantOnceRunsItAndNoticesChanges) {
  StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  PlannedVariant& int4 = plan.variants[1];
  ModelRunner runner(places(), Arithmetic::kNative, pool_);
  const store::VariantFacts facts = runner.open(int4, silent_progress());
  EXPECT_GT(facts.bits_per_weight, 4);
  ASSERT_TRUE(facts.cost);
  EXPECT_GT(facts.cost->cpu_seconds, 0);
  EXPECT_LT(facts.bits_per_weight, 8.6);
  EXPECT_GT(facts.file_bytes, facts.memory_bytes / 4);
  const auto folder = folder_.path() / int4.record.id.substr(0, 16);
  ASSERT_TRUE(std::filesystem::exists(folder / "model.safetensors"));
  const auto written = std::filesystem::last_write_time(folder / "model.safetensors");

  const FakeTask task("a", 3);
  const std::vector<eval::Sample> samples{task.sample(0), task.sample(1)};
  EXPECT_EQ(runner.answer(task, samples).size(), 2U);
  profile::Options options{8, 2, 2, 0};
  options.limits = false;
  options.energy_seconds = 0;
  const auto measured = runner.measure(options);
  const auto named = [&](std::string_view name) {
    return std::ranges::count(measured, name, &store::MeasurementRecord::name);
  };
  EXPECT_EQ(named("decode"), 2);
  EXPECT_EQ(named("inter_token"), 4);
  EXPECT_EQ(named("peak_memory"), 1);
  for (const store::MeasurementRecord& row : measured) {
    EXPECT_NE(row.value.has_value(), !row.reason.empty()) << row.name;
  }

  int4.record.facts = facts;
  const store::VariantFacts again = runner.open(int4, silent_progress());
  EXPECT_EQ(again.model_hash, facts.model_hash);
  EXPECT_FALSE(again.cost);  // nothing was made
  EXPECT_EQ(std::filesystem::last_write_time(folder / "model.safetensors"), written);
  int4.record.facts->model_hash = "what it was before";
  try {
    runner.open(int4, silent_progress());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_THAT(error.what(), HasSubstr(folder.string()));
  }
  nibble::testing::write_file(folder / "config.json", "{");
  try {
    runner.open(int4, silent_progress());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("remove " + folder.string() + " to have it made again"));
  }
}

TEST_F(ModelRunnerTest, ComparesVariantsWithTheReference) {
  StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  ModelRunner runner(places(), Arithmetic::kNative, pool_);
  std::string text;
  for (int i = 0; i < 400; ++i) {
    text += fmt::format("In the year {} the mill had {} wheels. ", 1000 + i, i % 7);
  }
  nibble::testing::write_file(folder_ / "mill.txt", text);
  const auto tokenizer = model::load_tokenizer(*io::open_checkpoint(model_).take()).take();
  const auto task =
      eval::make_task("kl512:mill.txt",
                      {.data = folder_.path(), .limit = 1, .tokenizer = tokenizer.get()})
          .take();
  const std::vector<eval::Sample> samples{task->sample(0)};
  const auto kl_of = [&](const PlannedVariant& variant) {
    runner.open(variant, silent_progress());
    const auto result = runner.answer(*task, samples).front();
    return result.scores.at("kl")->sum / result.scores.at("kl")->weight;
  };
  EXPECT_EQ(kl_of(plan.variants[0]), 0);
  const double apart = kl_of(plan.variants[1]);
  EXPECT_GT(apart, 0.001);
  EXPECT_LT(apart, 1);
  std::filesystem::remove_all(folder_ / "reference");  // the reference is asked again
  EXPECT_EQ(kl_of(plan.variants[1]), apart);
}

}  // namespace
}  // namespace nibble::study
