#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "app/command.h"
#include "app/exit_code.h"
#include "app/online.h"
#include "base/json.h"
#include "data/inventory.h"
#include "data/pull.h"
#include "eval/task.h"

namespace nibble::app {
namespace {

struct DataOptions {
  std::string folder = ".";
  std::string base_url = std::string(data::kRowsService);
  std::vector<std::string> sets;
  bool with_examples = false;
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

/// The files of a task; none where `name` is no task or one without data to pull.
std::vector<data::CatalogFile> files_of_task(const std::string& name, bool with_examples) {
  std::vector<data::CatalogFile> out;
  const auto files = eval::task_files(name);
  if (!files) {
    return out;
  }
  const auto add = [&out](const std::string& path, bool takes_large) {
    auto file = data::catalog_file(path);
    if (file && (takes_large || !file->is_large)) {
      out.push_back(*std::move(file));
    }
  };
  for (const std::string& path : files->evaluated) {
    add(path, true);
  }
  for (const std::string& path : files->examples) {
    add(path, with_examples || files->n_shots > 0);
  }
  return out;
}

/// Of all tasks and sets that are asked for, each once.
std::vector<data::CatalogFile> wanted_files(const DataOptions& options) {
  std::vector<data::CatalogFile> out;
  for (const std::string& name : options.sets) {
    std::vector<data::CatalogFile> files = files_of_task(name, options.with_examples);
    if (files.empty()) {
      files = data::files_of_set(name).take();
      std::erase_if(files, [&options](const data::CatalogFile& file) {
        return file.is_large && !options.with_examples;
      });
    }
    for (data::CatalogFile& file : files) {
      if (std::ranges::find(out, file.path, &data::CatalogFile::path) == out.end()) {
        out.push_back(std::move(file));
      }
    }
  }
  return out;
}

int run_pull(const DataOptions& options, const Globals& globals) {
  check_online({"HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"});
  const std::vector<data::CatalogFile> files = wanted_files(options);
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
  pull->add_option("NAME",
                   options->sets,
                   "Tasks, or sets by name; nibble tasks and nibble data list name them")
      ->required();
  pull->add_flag("--examples",
                 options->with_examples,
                 "Also the thousands of rows that only solved examples are drawn from");
  pull->add_option("--base-url", options->base_url, "Of the rows service")
      ->envname("NIBBLE_DATA_URL")
      ->capture_default_str();
  add_folder(*pull, *options);
  pull->footer("Example: nibble data pull arc_easy gsm8k mmlu_stem --data data");
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
