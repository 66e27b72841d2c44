#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "app/condition_lines.h"
#include "app/exit_code.h"

namespace nibble::app {
namespace {

struct ConditionsOptions {
  std::string a, b;
};

int run_conditions(const ConditionsOptions& options, const Globals& globals) {
  const auto a = study::read_run_conditions(options.a);  // the first that is missing is named
  const auto b = study::read_run_conditions(options.b);
  const auto differences = study::differing_conditions(a, b);
  const bool differ = conditions_differ(differences);
  if (globals.json) {
    print_out(dump_json({{"comparable", !differ}, {"differences", conditions_json(differences)}}) +
              "\n");
  } else {
    print_out(condition_lines(differences, true) +
              (differ ? "" : "Nothing differs besides what is judged.\n"));
  }
  return differ ? kOtherInputs : kDone;
}

}  // namespace

void add_conditions(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "conditions", "Say what differs between two runs before their numbers are compared");
  const auto options = std::make_shared<ConditionsOptions>();
  command->add_option("A", options->a, "A results file, the folder that holds it, or a store (.db)")
      ->required();
  command->add_option("B", options->b, "Likewise")->required();
  command->footer(
      "Exit code 0: only what is judged differs; 8: something else does.\n"
      "Example: nibble conditions out/base out/int4");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] {
      return run_conditions(*options, invocation.globals);
    };
  });
}

}  // namespace nibble::app
