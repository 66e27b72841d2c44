#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "app/command.h"
#include "app/exit_code.h"
#include "base/json.h"
#include "data/inventory.h"
#include "data/pull.h"

namespace nibble::app {
namespace {

struct DataOptions {
  std::string folder = ".";
  std::string base_url = std::string(data::kRowsService);
  std::vector<std::string> sets;
};

std::string_view known_text(data::Known known) {
  switch (known) {
    case data::Known::kSame:
      return "as listed";
    case data::Known::kOther:
      return "CHANGED";
    case data::Known::kNotListed:
      return "not listed";
  }
  return "";
}

/// The convention of the hub's own tools.
void check_online() {
  for (const char* name : {"HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0' && std::string_view(value) != "0") {
      raise(ErrorCode::kIo, "{} is set: nothing is pulled", name);
    }
  }
}

int run_pull(const DataOptions& options, const Globals& globals) {
  check_online();
  std::vector<data::CatalogFile> files;
  for (const std::string& set : options.sets) {
    for (const data::CatalogFile& file : data::files_of_set(set).take()) {
      files.push_back(file);
    }
  }
  const auto progress = make_progress(globals);
  Json list = Json::array();
  std::string table;
  for (const data::CatalogFile& file : files) {
    data::PullOptions pull;
    pull.folder = options.folder;
    pull.base_url = options.base_url;
    const data::PulledFile pulled = data::pull_file(file, pull, *progress).take();
    list.push_back({{"path", pulled.path.string()},
                    {"sha256", pulled.sha256},
                    {"rows", pulled.was_there ? Json() : Json(pulled.n_rows)},
                    {"was_there", pulled.was_there},
                    {"licence", file.licence}});
    table += fmt::format("{}  {}  {}; licence: {}\n",
                         pulled.sha256,
                         pulled.path.string(),
                         pulled.was_there ? "was there" : fmt::format("{} rows", pulled.n_rows),
                         file.licence);
  }
  print_out(globals.json ? dump_json(list) + "\n" : table);
  return kDone;
}

int run_list(const DataOptions& options, const Globals& globals) {
  const auto files = data::take_inventory(options.folder).take();
  Json here = Json::array();
  std::string table;
  for (const data::InventoryFile& file : files) {
    here.push_back({{"path", file.path},
                    {"bytes", file.n_bytes},
                    {"sha256", file.sha256},
                    {"manifest", known_text(file.known)},
                    {"licence", file.licence.empty() ? Json() : Json(file.licence)}});
    table += fmt::format("{}  {:<48} {:>10}  {:<10}  {}\n",
                         file.sha256,
                         file.path,
                         file.n_bytes,
                         known_text(file.known),
                         file.licence.empty() ? "licence not known" : file.licence);
  }
  std::set<std::string> can_pull;
  for (const data::CatalogFile& file : data::catalog()) {
    can_pull.emplace(file.set);
  }
  if (globals.json) {
    print_out(dump_json({{"files", here}, {"can_pull", can_pull}}) + "\n");
  } else {
    print_out(fmt::format("{}can be pulled: {}\n", table, fmt::join(can_pull, " ")));
  }
  return kDone;
}

void add_folder(CLI::App& command, DataOptions& options) {
  command.add_option("-d,--data", options.folder, "Folder of the data sets")
      ->envname("NIBBLE_DATA")
      ->capture_default_str();
}

}  // namespace

void add_data(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand("data", "Data sets: pull them, list what is there");
  command->require_subcommand(1);
  // One set of options for each: the environment is read for both, whichever is asked for.
  const auto options = std::make_shared<DataOptions>();
  const auto list_options = std::make_shared<DataOptions>();
  CLI::App* pull = command->add_subcommand(
      "pull", "Fill the data folder from a hub's rows service; goes on after a stop");
  pull->add_option("SET", options->sets, "Sets by name; nibble data list names them")->required();
  pull->add_option("--base-url", options->base_url, "Of the rows service")
      ->envname("NIBBLE_DATA_URL")
      ->capture_default_str();
  add_folder(*pull, *options);
  pull->footer("Example: nibble data pull arc_easy gsm8k --data data");
  pull->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_pull(*options, invocation.globals); };
  });
  CLI::App* list = command->add_subcommand(
      "list", "Files of the data folder with size, SHA-256 and licence; sets that can be pulled");
  add_folder(*list, *list_options);
  list->callback([list_options, &invocation] {
    invocation.run = [list_options, &invocation] {
      return run_list(*list_options, invocation.globals);
    };
  });
}

}  // namespace nibble::app
