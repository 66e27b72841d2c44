#include "study/slurm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "support/files.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<PlanPart> parts_of(std::initializer_list<std::size_t> numbers) {
  std::vector<PlanPart> out;
  for (const std::size_t number : numbers) {
    out.push_back({number, 12});
  }
  return out;
}

/// sbatch and squeue as scripts of ours in front of PATH.
class SlurmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::getenv("PATH");
    setenv("PATH", ((folder_ / "bin").string() + ":" + path_).c_str(), 1);
    study_ = {"Mine, two", folder_ / "out", {"nibble", "study", "it's.toml"}, parts_of({1, 2}), 4};
  }
  void TearDown() override { setenv("PATH", path_.c_str(), 1); }
  void program(std::string_view name, std::string_view text) {
    const fs::path path = folder_ / "bin" / name;
    fs::create_directories(path.parent_path());
    testing::write_file(path, "#!/bin/sh\n" + std::string(text));
    fs::permissions(path, fs::perms::owner_all);
  }
  testing::TempFolder folder_;
  std::string path_;
  SlurmStudy study_;
};

TEST_F(SlurmTest, ArraysNameRuns) {
  EXPECT_EQ(array_text(parts_of({1, 2, 3, 7, 9, 10}), 0), "1-3,7,9-10");
  EXPECT_EQ(array_text(parts_of({5}), 2), "5%2");
}

TEST_F(SlurmTest, ScriptsAreWhatSbatchReads) {
  const std::string text = parts_script(study_, {"fast", 3, {"--time=1:00:00"}});
  EXPECT_THAT(text,
              AllOf(HasSubstr("#SBATCH --job-name=nibble-Mine--two\n"),
                    HasSubstr("#SBATCH --array=1-2%3\n"),
                    HasSubstr("#SBATCH --partition=fast\n#SBATCH --time=1:00:00\n"),
                    HasSubstr("#SBATCH --cpus-per-task=4\n"),
                    HasSubstr("exec 'nibble' 'study' 'it'\\''s.toml' --part "
                              "\"$SLURM_ARRAY_TASK_ID/12\"\n")));
  EXPECT_THAT(collect_script(study_, {}), HasSubstr("'it'\\''s.toml' --collect\n"));
}

TEST_F(SlurmTest, WhatAScriptCannotHoldIsRefused) {
  EXPECT_THROW(parts_script(study_, {"a b", 0, {}}), Error);
  EXPECT_THROW(parts_script(study_, {"", 0, {"--a\nrm"}}), Error);
  EXPECT_THROW(parts_script(study_, {"", 0, {"time"}}), Error);
  study_.output = "/tmp/a\"b";
  EXPECT_THROW(parts_script(study_, {}), Error);
  study_.output = "/tmp/100%";
  EXPECT_THAT(parts_script(study_, {}), HasSubstr("/tmp/100%%/slurm/part-%a.log"));
}

TEST_F(SlurmTest, TheCollectingJobWaitsForTheArray) {
  program("sbatch",
          fmt::format("echo \"$@\" >> {0}\n[ $(wc -l < {0}) = 1 ] && echo 41 || echo '42;far'\n",
                      (folder_ / "log").string()));
  const SlurmScripts scripts = write_scripts(study_, {}).take();
  const SlurmJobs jobs = submit(scripts).take();
  EXPECT_EQ(jobs.parts, "41");
  EXPECT_EQ(jobs.collect, "42");
  EXPECT_EQ(testing::read_file(folder_ / "log"),
            fmt::format("--parsable {}\n--parsable --dependency=afterany:41 {}\n",
                        scripts.parts.string(),
                        scripts.collect.string()));
}

TEST_F(SlurmTest, JobsOfBeforeAreWaitedFor) {
  EXPECT_TRUE(check_no_jobs(study_.output));
  fs::create_directories(study_.output / "slurm");
  testing::write_file(study_.output / "slurm/jobs", "41\n42\n");
  program("squeue", "[ \"$4\" = 42 ] && echo 42\nexit 0\n");
  EXPECT_THAT(check_no_jobs(study_.output).failure().message, HasSubstr("scancel 42"));
  program("squeue", "echo 'Invalid job id specified' >&2\nexit 1\n");
  EXPECT_TRUE(check_no_jobs(study_.output));
}

TEST_F(SlurmTest, WhatSbatchSaysIsPassedOn) {
  const SlurmScripts scripts = write_scripts(study_, {}).take();
  program("sbatch", "echo 'sbatch: error: invalid partition specified: fast' >&2\nexit 1\n");
  EXPECT_THAT(submit(scripts).failure().message, HasSubstr("invalid partition specified: fast"));
  program("sbatch", "echo Submitted batch job 7\n");
  EXPECT_THAT(submit(scripts).failure().message, HasSubstr("wanted the number of a job"));
  setenv("PATH", folder_.path().c_str(), 1);
  EXPECT_EQ(submit(scripts).failure().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nibble::study
