#include "study/study.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/code_option.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/study_jobs.h"
#include "app/study_outcome.h"
#include "base/json.h"
#include "report/write.h"
#include "study/merge.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

struct StudyOptions {
  std::string file;
  std::string output, model, data;
  bool plan_only = false;
  bool writes_lm_eval = false;
  bool allows_code = false;
  std::string part;
  std::vector<std::string> units;
  std::size_t n_parts = 0;
  bool collects = false;
  JobsChoice jobs{};
};

/// The report over everything that is stored, also after a failure of single variants.
fs::path write_report(const study::Spec& spec) {
  const store::Store store = store::Store::open_read_only(study::store_path(spec.output));
  return report::write_report(store, spec.output / "report");
}

/// The study file with what the command line puts in its place.
study::Spec read_study(const StudyOptions& options, const Globals& globals) {
  study::Spec spec = study::read_spec(options.file);
  if (!options.output.empty()) {
    spec.output = options.output;
  }
  if (!options.model.empty()) {
    spec.model = options.model == "demo" ? study::demo_model_path() : fs::path(options.model);
  }
  if (!options.data.empty()) {
    spec.data = options.data;
  }
  if (globals.threads != 0) {
    spec.threads = globals.threads;
  }
  spec.allows_code = options.allows_code;
  return spec;
}

/// Merges the parts that have begun, and reports.
int collect_parts(const study::Spec& spec, const Globals& globals) {
  const auto stores = study::part_stores(spec.output);
  if (stores.empty()) {
    raise(ErrorCode::kNotFound,
          "{}: no part has begun; nibble study FILE --part 1/4 runs the first of four",
          (spec.output / "parts").string());
  }
  const auto progress = make_progress(globals);
  const fs::path store = study::store_path(spec.output);
  const study::MergeOutcome outcome = study::merge_stores(store, stores, *progress);
  tell_repeated(outcome.counts, *progress);
  const fs::path page = write_report(spec);
  if (globals.json) {
    Json out = merge_json(store, outcome);
    out["report"] = page.string();
    print_out(dump_json(out) + "\n");
  } else {
    progress->note(merge_text(store, outcome));
    print_out(page.string() + "\n");
  }
  return outcome.completeness.missing.empty() ? kDone : kIncomplete;
}

/// What a run made: a store of a part, or the report.
struct MadeFiles {
  std::string_view what;  ///< "report", "store"
  fs::path path;
  std::optional<fs::path> lm_eval{};
};

int report_failures(const MadeFiles& made,
                    const std::vector<study::VariantFailure>& failures,
                    const Globals& globals) {
  Json failed = Json::array();
  for (const study::VariantFailure& failure : failures) {
    failed.push_back({{"variant", failure.variant}, {"message", failure.failure.message}});
  }
  print_out(globals.json
                ? dump_json({{made.what, made.path.string()},
                             {"lm_eval", made.lm_eval ? Json(made.lm_eval->string()) : Json()},
                             {"failed", std::move(failed)}}) +
                      "\n"
                : fmt::format("{}\n", made.path.string()));
  return failures.empty() ? kDone : exit_code(failures.front().failure.code);
}

int run_here(const study::Spec& spec, const StudyOptions& options, const Globals& globals) {
  study::StudyShare share{{}, options.units, options.n_parts};
  if (!options.part.empty()) {
    share.part = study::parse_part(options.part).take();
  }
  const auto progress = make_progress(globals);
  const auto run = options.plan_only        ? study::StudyRun::kPlan
                   : options.writes_lm_eval ? study::StudyRun::kRunWrite
                                            : study::StudyRun::kRun;
  const auto failures = study::run_study(spec, NIBBLE_VERSION, run, *progress, share);
  if (options.plan_only) {
    return kDone;
  }
  const fs::path folder = share.part ? study::part_folder(spec.output, *share.part) : spec.output;
  MadeFiles made{"store", study::store_path(folder)};
  if (!share.part) {
    made = {"report", write_report(spec)};
  }
  if (options.writes_lm_eval) {
    made.lm_eval = study::lm_eval_path(folder);
  }
  return report_failures(made, failures, globals);
}

int run_study(const StudyOptions& options, const Globals& globals) {
  const study::Spec spec = read_study(options, globals);
  if (!options.jobs.system.empty() &&
      submit_parts(options.file, spec, options.n_parts, options.jobs, globals)) {
    return kDone;
  }
  if (options.collects || !options.jobs.system.empty()) {  // no part is left to run
    return collect_parts(spec, globals);
  }
  return run_here(spec, options, globals);
}

/// Options of a study that is run in parts.
void add_part_options(CLI::App& command, StudyOptions& options) {
  CLI::Option* part =
      command.add_option("--part",
                         options.part,
                         "Run a part of the plan, I/N such as 3/8, into a store of its own: "
                         "parts/3-of-8 of the study's folder");
  CLI::Option* unit = command.add_option(
      "--unit", options.units, "Run some units: VARIANT, VARIANT/TASK or VARIANT/speed");
  command
      .add_option(
          "--parts", options.n_parts, "Cut the plan into this many parts, with --plan or --jobs")
      ->check(CLI::Range(std::size_t{1}, study::kMostParts));
  CLI::Option* collect = command.add_flag(
      "--collect", options.collects, "Merge the parts that have begun, and write the report");
  add_jobs_options(command, options.jobs);
  CLI::Option* jobs = command.get_option("--jobs");
  part->excludes(unit)->excludes(collect)->excludes(jobs);
  unit->excludes(collect)->excludes(jobs);
  collect->excludes(jobs);
}

}  // namespace

void add_study(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "study",
      "Compare quantized variants of one model: run what is missing, then write the report");
  const auto options = std::make_shared<StudyOptions>();
  command->add_option("FILE", options->file, "The study file (TOML)")->required();
  command->add_option(
      "-o,--output", options->output, "Folder for store, variants and report; default: the file's");
  command->add_option("-m,--model", options->model, "Another model than the file's");
  command->add_option("-d,--data", options->data, "Another folder of data than the file's");
  command->add_flag("--plan", options->plan_only, "Only say what would be run and what is stored");
  command->add_flag("--lm-eval",
                    options->writes_lm_eval,
                    "Also write lm-eval's results and samples files of each variant, below "
                    "lm-eval/ in the output folder; of a finished study nothing is run for it");
  add_allow_code_option(*command, options->allows_code);
  add_part_options(*command, *options);
  command->footer(
      "A stopped study goes on when the same command is run again.\n"
      "Example: nibble study examples/demo/study.toml --output demo-out");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return run_study(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
