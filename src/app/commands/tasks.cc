#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/json.h"
#include "eval/task.h"

namespace nibble::app {
namespace {

int run_tasks(const Globals& globals) {
  Json list = Json::array();
  std::string table;
  for (const eval::TaskRow& row : eval::task_table()) {
    list.push_back({{"name", row.name}, {"summary", row.summary}});
    table += fmt::format("{:<22} {}\n", row.name, row.summary);
  }
  print_out(globals.json ? dump_json(list) + "\n" : table);
  return 0;
}

}  // namespace

void add_tasks(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand("tasks", "List the tasks that eval and study know");
  command->callback(
      [&invocation] { invocation.run = [&invocation] { return run_tasks(invocation.globals); }; });
}

}  // namespace nibble::app
