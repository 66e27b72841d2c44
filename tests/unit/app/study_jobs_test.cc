#include "app/study_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::app {
namespace {

using ::testing::ElementsAre;

TEST(StudyJobs, TheCommandRunsFromAnyFolder) {
  study::Spec spec;
  spec.model = "/models/a.gguf";
  spec.data = "/data/../data";
  spec.output = "/out";
  EXPECT_THAT(study_command("/bin/nibble", "/studies/./s.toml", spec, 4),
              ElementsAre("/bin/nibble",
                          "study",
                          "/studies/s.toml",
                          "--output",
                          "/out",
                          "--model",
                          "/models/a.gguf",
                          "--data",
                          "/data",
                          "--threads",
                          "4",
                          "--quiet"));
  spec.output = "out";
  spec.allows_code = true;
  EXPECT_EQ(study_command("nibble", "s.toml", spec, 1).back(), "--allow-code");
  EXPECT_EQ(study_command("nibble", "s.toml", spec, 1).at(4),
            (std::filesystem::current_path() / "out").string());
}

TEST(StudyJobs, OptionsOfJobsNeedJobs) {
  JobsChoice choice;
  CLI::App program;
  add_jobs_options(program, choice);
  program.parse("--jobs slurm --partition p --array-limit 3 --slurm-option=--time=1 --dry-run");
  EXPECT_EQ(choice.system, "slurm");
  EXPECT_EQ(choice.slurm.partition, "p");
  EXPECT_EQ(choice.slurm.array_limit, 3U);
  EXPECT_THAT(choice.slurm.more, ElementsAre("--time=1"));
  EXPECT_TRUE(choice.is_dry);
  EXPECT_THROW(program.parse("--partition p"), CLI::ParseError);
  EXPECT_THROW(program.parse("--jobs pbs"), CLI::ParseError);
}

}  // namespace
}  // namespace nibble::app
