#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/json.h"
#include "report/write.h"
#include "study/study.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  std::string store;
  std::string output;
};

int run_report(const ReportOptions& options, const Globals& globals) {
  const fs::path path = study::named_store(options.store);
  const fs::path folder =
      options.output.empty() ? path.parent_path() / "report" : fs::path(options.output);
  const store::Store store = store::Store::open_read_only(path);
  const fs::path page = report::write_report(store, folder);
  print_out(globals.json ? dump_json({{"report", page.string()}}) + "\n"
                         : fmt::format("{}\n", page.string()));
  return 0;
}

}  // namespace

void add_report(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand("report", "Write the report of a study's store");
  const auto options = std::make_shared<ReportOptions>();
  command->add_option("STORE", options->store, "The store (study.db), or the folder that holds it")
      ->required();
  command->add_option(
      "-o,--output", options->output, "Folder for the report; default: report/ beside the store");
  command->footer("Example: nibble report demo-out -o report");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return run_report(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
