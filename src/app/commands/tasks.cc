#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/json.h"
#include "eval/task.h"
#include "eval/task_file/definition.h"

namespace nibble::app {
namespace {

/// What a task that is a file says of itself; the others are code, with a name and a summary alone.
Json definition_json(std::string_view name) {
  const auto& definitions = eval::builtin_definitions();
  const auto task = std::ranges::find(definitions, name, &eval::TaskDefinition::name);
  if (task == definitions.end()) {
    return Json::object();
  }
  return {{"version", task->version},
          {"kind", eval::kind_name(task->kind)},
          {"data", task->data_id},
          {"n_shots", task->shots.n_shots},
          {"metrics", task->metrics},
          {"reference", task->reference},
          {"hash", task->hash}};
}

int run_tasks(const Globals& globals) {
  Json list = Json::array();
  std::string table;
  for (const eval::TaskRow& row : eval::task_table()) {
    Json one = definition_json(row.name);
    one.update({{"name", row.name}, {"summary", row.summary}});
    list.push_back(std::move(one));
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
