// nibble recommend: which variant of a study to deploy under given limits, and why.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "app/exit_code.h"
#include "app/quantity.h"
#include "report/advice/json.h"
#include "report/advice/text.h"
#include "study/study.h"

namespace nibble::app {
namespace {

struct RecommendOptions {
  std::string store;
  std::string memory, first_token, first_token_p95, decode, energy, device;
  std::vector<std::string> losses, tasks;
  report::Preference prefer = report::Preference::kMemory;
};

using Parse = Result<double> (*)(std::string_view text, std::string_view option);

std::optional<double> limit(const std::string& text, std::string_view option, Parse parse) {
  return text.empty() ? std::nullopt : std::optional(parse(text, option).take());
}

report::Limits limits_of(const RecommendOptions& options) {
  report::Limits limits;
  limits.memory_bytes = limit(options.memory, "--memory", &parse_bytes);
  limits.first_token_ms = limit(options.first_token, "--ttft", &parse_milliseconds);
  limits.first_token_p95_ms = limit(options.first_token_p95, "--ttft-p95", &parse_milliseconds);
  limits.decode_ms = limit(options.decode, "--decode", &parse_milliseconds);
  limits.token_joules = limit(options.energy, "--energy-per-token", &parse_joules);
  for (const std::string& text : options.losses) {
    TaskMargin margin = parse_margin(text, "--max-loss").take();
    if (margin.task.empty()) {
      limits.other_margin = margin.margin;
    } else {
      limits.margins[margin.task] = margin.margin;
    }
  }
  limits.tasks = options.tasks;
  limits.device = options.device;
  limits.prefer = options.prefer;
  return limits;
}

int exit_status(report::AdviceStatus status) {
  switch (status) {
    case report::AdviceStatus::kRecommended:
      return kDone;
    case report::AdviceStatus::kNone:
      return kLimitsNotMet;
    case report::AdviceStatus::kUndecided:
      return kNotDecidable;
  }
  return kFailure;
}

int run_recommend(const RecommendOptions& options, const Globals& globals) {
  const report::Limits limits = limits_of(options);
  const store::Store store = store::Store::open_read_only(study::named_store(options.store));
  const report::Data data = report::gather_scores(store);
  const report::Advice advice = report::advise(store, data, limits);
  print_out(globals.json ? dump_json(report::advice_json(advice, limits, data)) + "\n"
                         : report::advice_text(advice));
  return exit_status(advice.status);
}

void add_limits(CLI::App& command, RecommendOptions& options) {
  command.add_option("--memory", options.memory, "Most memory while it runs, like 8GiB");
  command.add_option("--ttft", options.first_token, "Median time to the first token, like 300ms");
  command.add_option(
      "--ttft-p95", options.first_token_p95, "Its 95th percentile (20 repetitions or more)");
  command.add_option("--decode", options.decode, "Median time of a token of decoding, like 50ms");
  command.add_option(
      "--energy-per-token", options.energy, "Measured energy of a token of decoding, like 0.5J");
  command.add_option(
      "--max-loss",
      options.losses,
      "Largest loss accepted, [TASK:]POINTS or [TASK:]PERCENT% of the reference's value; without "
      "one 2 points, 5 % of scores that are no shares");
  command.add_option("--tasks", options.tasks, "Tasks that count; default: all of the study")
      ->delimiter(',');
  command.add_option(
      "--device", options.device, "Where it will run: costs measured elsewhere decide nothing");
}

}  // namespace

void add_recommend(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "recommend", "Say which variant of a study to deploy under limits, and why not the others");
  const auto options = std::make_shared<RecommendOptions>();
  command->add_option("STORE", options->store, "The store (study.db), or the folder that holds it")
      ->required();
  add_limits(*command, *options);
  const std::map<std::string, report::Preference> preferences{
      {"memory", report::Preference::kMemory},
      {"speed", report::Preference::kSpeed},
      {"energy", report::Preference::kEnergy},
      {"quality", report::Preference::kQuality}};
  command
      ->add_option("--prefer",
                   options->prefer,
                   "What to make best among those that meet all limits: memory (default), speed, "
                   "energy, quality")
      ->transform(CLI::CheckedTransformer(preferences));
  command->footer(
      "Exit code 0: a variant is recommended; 7: all fail; 10: not decidable with this n.\n"
      "Example: nibble recommend demo-out --memory 500MB --ttft 500ms --max-loss 2 --max-loss "
      "demo_choice:5");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return run_recommend(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
