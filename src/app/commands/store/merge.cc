#include "study/merge.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "app/exit_code.h"
#include "app/study_outcome.h"
#include "study/study.h"

namespace nibble::app {
namespace {

struct StoreMergeOptions {
  std::string target;
  std::vector<std::string> stores;
};

int run_merge(const StoreMergeOptions& options, const Globals& globals) {
  const std::filesystem::path target = study::named_store(options.target);
  std::vector<std::filesystem::path> stores;
  for (const std::string& store : options.stores) {
    stores.push_back(study::named_store(store));
  }
  const auto progress = make_progress(globals);
  const study::MergeOutcome outcome = study::merge_stores(target, stores, *progress);
  tell_repeated(outcome.counts, *progress);
  print_out(globals.json ? dump_json(merge_json(target, outcome)) + "\n"
                         : merge_text(target, outcome));
  return kDone;
}

}  // namespace

void add_store(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand("store", "Stores of studies: several made one");
  command->require_subcommand(1);
  const auto options = std::make_shared<StoreMergeOptions>();
  CLI::App* merge = command->add_subcommand(
      "merge", "Join stores of one study into one, with the bytes that its records give");
  merge
      ->add_option("OUT",
                   options->target,
                   "The store to write (a file, or the folder of study.db); one that is there "
                   "already takes part")
      ->required();
  merge->add_option("IN", options->stores, "Stores (files, or the folders of study.db)")
      ->required();
  merge->footer("Example: nibble store merge all.db first/study.db second/study.db");
  merge->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_merge(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
