#include "study/slurm.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

fs::path slurm_folder(const fs::path& output) {
  return output / "slurm";
}

/// One word of a shell script, whatever is in it.
std::string shell_word(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\'";
    }
    out += c;
  }
  return fmt::format("'{}'", out);
}

/// A value in a line "#SBATCH --option=…": no quote and no line of its own, and % is Slurm's.
std::string directive_path(const fs::path& path) {
  const std::string text = path.string();
  if (text.find_first_of("\"\n\\") != std::string::npos) {
    raise(ErrorCode::kInvalidArgument,
          "{}: a path with a quote, a backslash or a line break cannot stand in a script of Slurm",
          text);
  }
  std::string out;
  for (const char c : text) {
    out.append(c == '%' ? 2 : 1, c);
  }
  return out;
}

std::string job_name(std::string_view study) {
  std::string out = "nibble-";
  for (const char c : study) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_';
    out += is_plain ? c : '-';
  }
  return out;
}

std::string more_directives(const SlurmOptions& options) {
  std::string out;
  if (!options.partition.empty()) {
    out += fmt::format("#SBATCH --partition={}\n", options.partition);
  }
  for (const std::string& option : options.more) {
    out += fmt::format("#SBATCH {}\n", option);
  }
  return out;
}

void check_options(const SlurmOptions& options) {
  for (const std::string& option : options.more) {
    if (!option.starts_with('-') || option.find('\n') != std::string::npos) {
      raise(ErrorCode::kInvalidArgument,
            "'{}' is no option of sbatch, wanted such as --time=4:00:00",
            option);
    }
  }
  if (options.partition.find_first_of(" \n\"'") != std::string::npos) {
    raise(ErrorCode::kInvalidArgument, "'{}' is no name of a partition", options.partition);
  }
}

std::string command_text(const SlurmStudy& study) {
  std::string out = "exec";
  for (const std::string& word : study.command) {
    out += fmt::format(" {}", shell_word(word));
  }
  return out;
}

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos
             ? ""
             : std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

/// "123" of the "123" or "123;cluster" that sbatch --parsable prints.
std::string submit_script(const std::vector<std::string>& arguments) {
  const ProcessResult result = run_process(arguments).take();
  if (result.status != 0) {
    raise(ErrorCode::kIo, "sbatch: {}", trimmed(result.err.empty() ? result.out : result.err));
  }
  const std::string printed = trimmed(result.out);
  const std::string number = printed.substr(0, printed.find(';'));
  if (number.empty() || !std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; })) {
    raise(ErrorCode::kIo, "sbatch printed '{}', wanted the number of a job", printed);
  }
  return number;
}

/// Whether Slurm still has the job; jobs that it has forgotten are over.
bool is_pending(const std::string& number) {
  const std::vector<std::string> question = {
      "squeue", "--noheader", "--format=%i", "--jobs", number};
  const ProcessResult result = run_process(question).take();
  return result.status == 0 && !trimmed(result.out).empty();
}

}  // namespace

std::string array_text(const std::vector<PlanPart>& parts, std::size_t array_limit) {
  std::string out;
  for (std::size_t i = 0; i < parts.size();) {
    std::size_t last = i;
    while (last + 1 < parts.size() && parts[last + 1].number == parts[last].number + 1) {
      ++last;
    }
    out += fmt::format("{}{}", out.empty() ? "" : ",", parts[i].number);
    if (last > i) {
      out += fmt::format("-{}", parts[last].number);
    }
    i = last + 1;
  }
  return array_limit != 0 ? fmt::format("{}%{}", out, array_limit) : out;
}

std::string parts_script(const SlurmStudy& study, const SlurmOptions& options) {
  check_options(options);
  return fmt::format(
      "#!/bin/sh\n"
      "# One task a part; written by nibble study --jobs slurm, which writes and submits the rest\n"
      "# when it is run again.\n"
      "#SBATCH --job-name={}\n"
      "#SBATCH --array={}\n"
      "#SBATCH --output=\"{}/part-%a.log\"\n"
      "#SBATCH --open-mode=append\n"
      "#SBATCH --ntasks=1\n"
      "#SBATCH --cpus-per-task={}\n"
      "{}"
      "{} --part \"$SLURM_ARRAY_TASK_ID/{}\"\n",
      job_name(study.name),
      array_text(study.parts, options.array_limit),
      directive_path(slurm_folder(study.output)),
      study.n_threads,
      more_directives(options),
      command_text(study),
      study.parts.empty() ? 1 : study.parts.front().n_parts);
}

std::string collect_script(const SlurmStudy& study, const SlurmOptions& options) {
  check_options(options);
  return fmt::format(
      "#!/bin/sh\n"
      "# Joins what the parts have, and reports; written by nibble study --jobs slurm.\n"
      "#SBATCH --job-name={}-collect\n"
      "#SBATCH --output=\"{}/collect.log\"\n"
      "#SBATCH --open-mode=append\n"
      "#SBATCH --ntasks=1\n"
      "{}"
      "{} --collect\n",
      job_name(study.name),
      directive_path(slurm_folder(study.output)),
      more_directives(options),
      command_text(study));
}

Result<SlurmScripts> write_scripts(const SlurmStudy& study, const SlurmOptions& options) {
  try {
    const fs::path folder = slurm_folder(study.output);
    fs::create_directories(folder);
    SlurmScripts out{folder / "parts.sh", folder / "collect.sh"};
    write_file_atomic(out.parts, parts_script(study, options)).take();
    write_file_atomic(out.collect, collect_script(study, options)).take();
    return out;
  } catch (const Error& error) {
    return error.failure();
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, "{}", error.what());
  }
}

Result<SlurmJobs> submit(const SlurmScripts& scripts) {
  try {
    SlurmJobs jobs;
    jobs.parts = submit_script({"sbatch", "--parsable", scripts.parts.string()});
    const fs::path list = scripts.parts.parent_path() / "jobs";
    write_file_atomic(list, jobs.parts + "\n").take();
    jobs.collect = submit_script(
        {"sbatch", "--parsable", "--dependency=afterany:" + jobs.parts, scripts.collect.string()});
    write_file_atomic(list, fmt::format("{}\n{}\n", jobs.parts, jobs.collect)).take();
    return jobs;
  } catch (const Error& error) {
    return error.failure();
  }
}

Result<void> check_no_jobs(const fs::path& output) {
  try {
    const fs::path list = slurm_folder(output) / "jobs";
    if (!fs::exists(list)) {
      return {};
    }
    std::istringstream lines(read_text_file(list).take());
    for (std::string number; std::getline(lines, number);) {
      if (is_pending(number)) {
        return fail(ErrorCode::kIo,
                    "job {} of this study still waits or runs; wait for it, or scancel {}",
                    number,
                    number);
      }
    }
    return {};
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::study
