#include "study/model_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "fakes.h"
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
  TempFolder folder_;
  std::filesystem::path model_;
  ThreadPool pool_{2};
};

TEST_F(ModelRunnerTest, BuildsAVariantOnceRunsItAndNoticesChanges) {
  StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  PlannedVariant& int4 = plan.variants[1];
  ModelRunner runner({model_, folder_.path(), {}}, Arithmetic::kNative, pool_, silent_progress());
  const store::VariantFacts facts = runner.open(int4);
  EXPECT_GT(facts.bits_per_weight, 4);
  EXPECT_LT(facts.bits_per_weight, 8.6);
  EXPECT_GT(facts.file_bytes, facts.memory_bytes / 4);
  const auto folder = folder_.path() / int4.record.id.substr(0, 16);
  ASSERT_TRUE(std::filesystem::exists(folder / "model.safetensors"));
  const auto written = std::filesystem::last_write_time(folder / "model.safetensors");

  const FakeTask task("a", 3);
  const std::vector<eval::Sample> samples{task.sample(0), task.sample(1)};
  EXPECT_EQ(runner.answer(task, samples).size(), 2U);
  const auto measured = runner.measure({8, 2, 2, 0});
  EXPECT_EQ(measured.size(), 3U * 2 + 1);
  EXPECT_EQ(measured.back().name, "peak_memory");
  EXPECT_TRUE(measured.back().value.has_value() != !measured.back().reason.empty());

  int4.record.facts = facts;
  EXPECT_EQ(runner.open(int4).model_hash, facts.model_hash);
  EXPECT_EQ(std::filesystem::last_write_time(folder / "model.safetensors"), written);
  int4.record.facts->model_hash = "what it was before";
  try {
    runner.open(int4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_THAT(error.what(), HasSubstr(folder.string()));
  }
  nibble::testing::write_file(folder / "config.json", "{");
  try {
    runner.open(int4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("remove " + folder.string() + " to have it made again"));
  }
}

}  // namespace
}  // namespace nibble::study
