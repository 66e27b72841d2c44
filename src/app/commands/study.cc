#include "study/study.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/code_option.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "base/json.h"
#include "report/write.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

struct StudyOptions {
  std::string file;
  std::string output, model, data;
  bool plan_only = false;
  bool writes_lm_eval = false;
  bool allows_code = false;
};

/// The report over everything that is stored, also after a failure of single variants.
fs::path write_report(const study::Spec& spec) {
  const store::Store store = store::Store::open_read_only(study::store_path(spec.output));
  return report::write_report(store, spec.output / "report");
}

int run_study(const StudyOptions& options, const Globals& globals) {
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
  const auto progress = make_progress(globals);
  const auto run = options.plan_only        ? study::StudyRun::kPlan
                   : options.writes_lm_eval ? study::StudyRun::kRunWrite
                                            : study::StudyRun::kRun;
  const auto failures = study::run_study(spec, NIBBLE_VERSION, run, *progress);
  if (options.plan_only) {
    return kDone;
  }
  const fs::path page = write_report(spec);
  Json failed = Json::array();
  for (const study::VariantFailure& failure : failures) {
    failed.push_back({{"variant", failure.variant}, {"message", failure.failure.message}});
  }
  const Json lm_eval =
      options.writes_lm_eval ? Json(study::lm_eval_path(spec.output).string()) : Json();
  print_out(globals.json ? dump_json({{"report", page.string()},
                                      {"lm_eval", lm_eval},
                                      {"failed", std::move(failed)}}) +
                               "\n"
                         : fmt::format("{}\n", page.string()));
  return failures.empty() ? kDone : exit_code(failures.front().failure.code);
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
  command->footer(
      "A stopped study goes on when the same command is run again.\n"
      "Example: nibble study examples/demo/study.toml --output demo-out");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return run_study(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
