#include "app/help/command_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace nibble::app {
namespace {

OptionText text_of(const CLI::Option& option) {
  OptionText out;
  out.is_positional = option.get_positional();
  out.description = option.get_description();
  if (option.get_expected_max() > 0) {
    out.value = option.get_type_name();
    out.value.resize(std::min(out.value.size(), out.value.find_first_of(": ")));  // without ranges
  }
  if (out.is_positional) {
    out.names.push_back(option.get_name(true));
    return out;
  }
  for (const std::string& name : option.get_snames()) {
    out.names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    out.names.push_back("--" + name);
  }
  return out;
}

void append(const CLI::App& app, const std::string& path, std::vector<CommandText>& out) {
  CommandText text{path, app.get_description(), app.get_footer(), {}, {}};
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    if (path.empty() || option != app.get_help_ptr()) {  // which every command has
      text.options.push_back(text_of(*option));
    }
  }
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : below) {
    text.commands.push_back(command->get_name());
  }
  out.push_back(std::move(text));
  for (const CLI::App* command : below) {
    append(*command, path.empty() ? command->get_name() : path + " " + command->get_name(), out);
  }
}

}  // namespace

std::vector<CommandText> command_tree(const CLI::App& root) {
  std::vector<CommandText> out;
  append(root, "", out);
  return out;
}

}  // namespace nibble::app
