/// Parts of a study as tasks of a Slurm array, and a job behind them that collects.
///
/// Written into the folder "slurm" of the study, where the logs go, too: parts.sh, collect.sh, and
/// "jobs" with the numbers of the jobs that were submitted last. All nodes must see the folder, the
/// model and the data under the same paths.
///
/// Errors     kNotFound without sbatch; kIo with what sbatch said, and while jobs of before still
///            wait or run; kInvalidArgument for paths and options that a script cannot hold
/// Source     sbatch(1), Slurm 22.05
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "study/share.h"

namespace nibble::study {

struct SlurmOptions {
  std::string partition{};          ///< "": the cluster's own choice
  std::size_t array_limit = 0;      ///< tasks at a time; 0: as the cluster likes
  std::vector<std::string> more{};  ///< further options of sbatch, such as "--time=4:00:00"
};

struct SlurmStudy {
  std::string name;
  std::filesystem::path output;  ///< of the study, absolute
  std::vector<std::string>
      command;                  ///< runs the study; a task adds its part, the last job --collect
  std::vector<PlanPart> parts;  ///< to run, all of one cut
  std::size_t n_threads = 1;
};

/// "1-3,7,9-12%4"
std::string array_text(const std::vector<PlanPart>& parts, std::size_t array_limit);
std::string parts_script(const SlurmStudy& study, const SlurmOptions& options);
std::string collect_script(const SlurmStudy& study, const SlurmOptions& options);

struct SlurmScripts {
  std::filesystem::path parts, collect;
};
Result<SlurmScripts> write_scripts(const SlurmStudy& study, const SlurmOptions& options);

struct SlurmJobs {
  std::string parts, collect;  ///< their numbers
};
/// Submits the array, then the job that waits for it however it ends.
Result<SlurmJobs> submit(const SlurmScripts& scripts);

/// Whether jobs that were submitted before still wait or run.
Result<void> check_no_jobs(const std::filesystem::path& output);

}  // namespace nibble::study
