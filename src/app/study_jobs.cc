#include "app/study_jobs.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "profile/host.h"
#include "study/study.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

fs::path this_program() {
  std::error_code unknown;
  const fs::path path = fs::read_symlink("/proc/self/exe", unknown);
  return unknown ? fs::path("nibble") : path;
}

std::string done_text(const study::SlurmStudy& jobs, const study::SlurmScripts& scripts) {
  return fmt::format("{} of {} parts: {}, then {}\n",
                     jobs.parts.size(),
                     jobs.parts.front().n_parts,
                     scripts.parts.string(),
                     scripts.collect.string());
}

}  // namespace

void add_jobs_options(CLI::App& command, JobsChoice& choice) {
  CLI::Option* jobs =
      command
          .add_option("--jobs",
                      choice.system,
                      "Submit the parts that are missing (--parts of them; default: one for each "
                      "variant) to slurm, and a job that collects them")
          ->check(CLI::IsMember({"slurm"}));
  command.add_option("--array-limit", choice.slurm.array_limit, "Parts that run at a time at most")
      ->check(CLI::Range(std::size_t{1}, study::kMostParts))
      ->needs(jobs);
  command.add_option("--partition", choice.slurm.partition, "Where the jobs go")->needs(jobs);
  command
      .add_option("--slurm-option",
                  choice.slurm.more,
                  "Another option of sbatch, such as --slurm-option=--time=4:00:00")
      ->needs(jobs);
  command.add_flag("--dry-run", choice.is_dry, "Write the scripts, submit nothing")->needs(jobs);
}

std::vector<std::string> study_command(const fs::path& program,
                                       const fs::path& file,
                                       const study::Spec& spec,
                                       std::size_t n_threads) {
  const auto whole = [](const fs::path& path) {
    return fs::absolute(path).lexically_normal().string();
  };
  std::vector<std::string> out = {program.string(),
                                  "study",
                                  whole(file),
                                  "--output",
                                  whole(spec.output),
                                  "--model",
                                  whole(spec.model),
                                  "--data",
                                  whole(spec.data),
                                  "--threads",
                                  fmt::format("{}", n_threads),
                                  "--quiet"};
  if (spec.allows_code) {
    out.push_back("--allow-code");
  }
  return out;
}

bool submit_parts(const fs::path& file,
                  const study::Spec& spec,
                  std::size_t n_parts,
                  const JobsChoice& choice,
                  const Globals& globals) {
  study::check_no_jobs(spec.output).take();
  study::SlurmStudy jobs{spec.name, fs::absolute(spec.output).lexically_normal(), {}, {}, 1};
  jobs.parts = study::missing_parts(spec, NIBBLE_VERSION, n_parts);
  if (jobs.parts.empty()) {
    return false;
  }
  jobs.n_threads = spec.threads != 0 ? spec.threads : profile::read_host().n_processors;
  jobs.command = study_command(this_program(), file, spec, jobs.n_threads);
  const study::SlurmScripts scripts = study::write_scripts(jobs, choice.slurm).take();
  std::string text = done_text(jobs, scripts);
  Json json = {{"parts", jobs.parts.size()},
               {"scripts", {scripts.parts.string(), scripts.collect.string()}}};
  if (!choice.is_dry) {
    const study::SlurmJobs submitted = study::submit(scripts).take();
    json["jobs"] = {submitted.parts, submitted.collect};
    text += fmt::format("submitted as jobs {} and {}; logs beside the scripts\n",
                        submitted.parts,
                        submitted.collect);
  }
  print_out(globals.json ? dump_json(json) + "\n" : text);
  return true;
}

}  // namespace nibble::app
