#include "study/study.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "support/files.h"

namespace nibble::study {
namespace {

using nibble::testing::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StudyNotes final : public ProgressSink {
 public:
  void begin(std::string_view /*stage*/, std::uint64_t /*total*/) override {}
  void advance(std::uint64_t /*steps*/) override {}
  void end() override {}
  void note(std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

/// Two choice questions put to the demo model itself.
class StudyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
    spec_.name = "two questions";
    spec_.model = path;
    spec_.data = nibble::testing::source_path("examples/demo");
    spec_.output = folder_ / "out";
    spec_.tasks = {{"demo_choice", 2, 2048}};
    spec_.variants = {{"reference", "none"}};
  }
  TempFolder folder_;
  Spec spec_;
};

TEST_F(StudyTest, StoresWhatItIsAskedFor) {
  EXPECT_THAT(run_study(spec_, "0.1.0", StudyRun::kRun, silent_progress()), IsEmpty());
  const store::Store store = store::Store::open_read_only(store_path(spec_.output));
  const store::Plan plan = store.plan();
  ASSERT_EQ(plan.units.size(), 1U);
  EXPECT_THAT(store.sample_indexes(plan.units[0].id), ElementsAre(0U, 1U));
  const auto sample = store.sample(plan.units[0].id, 0).value();
  EXPECT_EQ(sample.sample_id, "c001");
  EXPECT_FALSE(sample.scores.empty());
  EXPECT_EQ(plan.variants[0].facts->model_hash.size(), 64U);
  EXPECT_FALSE(store.summaries().empty());
}

TEST_F(StudyTest, PlanningWritesNothing) {
  run_study(spec_, "0.1.0", StudyRun::kPlan, silent_progress());
  EXPECT_FALSE(std::filesystem::exists(spec_.output));
}

TEST_F(StudyTest, APlanForADeviceSaysWhatMakesEachVariant) {
  spec_.device = "cuda:0";
  spec_.variants.push_back({"hqq-int4", "hqq-int4"});
  spec_.variants.push_back({"nf4", "nf4"});
  StudyNotes notes;
  run_study(spec_, "0.1.0", StudyRun::kPlan, notes);
  EXPECT_THAT(notes.lines, ::testing::Contains("hqq-int4 is quantized on cuda:0"));
  EXPECT_THAT(notes.lines,
              ::testing::Contains(HasSubstr("nf4 is quantized on the host: none of its methods")));
  EXPECT_THAT(notes.lines,
              ::testing::Not(::testing::Contains(HasSubstr("reference is quantized"))));
}

TEST_F(StudyTest, ASecondStudyInTheSameFolderIsRefused) {
  std::filesystem::create_directories(spec_.output);
  const int fd = ::open((spec_.output / "study.lock").c_str(), O_RDWR | O_CREAT, 0666);
  ASSERT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
  try {
    run_study(spec_, "0.1.0", StudyRun::kRun, silent_progress());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr("another study is running"));
  }
  ::close(fd);
}

TEST_F(StudyTest, FaultsOfTheInputsComeBeforeAnythingIsWritten) {
  spec_.tasks[0].name = "demo_choise";
  try {
    run_study(spec_, "0.1.0", StudyRun::kRun, silent_progress());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("demo_choice"));
  }
  EXPECT_FALSE(std::filesystem::exists(spec_.output));
}

TEST_F(StudyTest, APartHasAStoreOfItsOwnAndLeavesOutWhatIsThere) {
  spec_.variants.push_back({"kivi", "none", codec::kv_scheme_from_name("kivi-4").take()});
  EXPECT_EQ(missing_parts(spec_, "0.1.0", 0).size(), 2U);
  EXPECT_THAT(
      run_study(spec_, "0.1.0", StudyRun::kRun, silent_progress(), {.part = PlanPart{2, 2}}),
      IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(store_path(spec_.output)));
  const auto stores = part_stores(spec_.output);
  ASSERT_THAT(stores, ElementsAre(spec_.output / "parts/2-of-2/study.db"));
  const store::Store part = store::Store::open_read_only(stores[0]);
  EXPECT_EQ(part.plan().units.size(), 2U);
  EXPECT_THAT(part.sample_indexes(part.plan().units[0].id), IsEmpty());
  EXPECT_THAT(part.sample_indexes(part.plan().units[1].id), ElementsAre(0U, 1U));
  const auto missing = missing_parts(spec_, "0.1.0", 2);
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].number, 1U);

  run_study(spec_, "0.1.0", StudyRun::kRun, silent_progress(), {.units = {"kivi/demo_choice"}});
  run_study(spec_,
            "0.1.0",
            StudyRun::kRun,
            silent_progress(),
            {.part = PlanPart{1, 1}});  // the other unit only
  const store::Store rest = store::Store::open_read_only(spec_.output / "parts/1-of-1/study.db");
  EXPECT_THAT(rest.sample_indexes(rest.plan().units[0].id), ElementsAre(0U, 1U));
  EXPECT_THAT(rest.sample_indexes(rest.plan().units[1].id), IsEmpty());
}

}  // namespace
}  // namespace nibble::study
