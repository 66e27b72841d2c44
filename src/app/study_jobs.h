/// The options of "nibble study --jobs slurm", and what they do.
///
/// Errors     those of study/slurm.h
/// Source     our own
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "app/command.h"
#include "study/slurm.h"
#include "study/spec.h"

namespace nibble::app {

struct JobsChoice {
  std::string system{};  ///< "slurm"; "": the study is run here
  bool is_dry = false;   ///< write the scripts, submit nothing
  study::SlurmOptions slurm{};
};

/// --jobs, --array-limit, --partition, --slurm-option, --dry-run
void add_jobs_options(CLI::App& command, JobsChoice& choice);

/// The command that runs the study from any folder: every path is absolute.
std::vector<std::string> study_command(const std::filesystem::path& program,
                                       const std::filesystem::path& file,
                                       const study::Spec& spec,
                                       std::size_t n_threads);

/// Submits the parts that are missing, in `n_parts` (0: one for each variant), and says which.
/// False where no part is missing.
bool submit_parts(const std::filesystem::path& file,
                  const study::Spec& spec,
                  std::size_t n_parts,
                  const JobsChoice& choice,
                  const Globals& globals);

}  // namespace nibble::app
