#include "app/model_names.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "data/hub/model_name.h"

namespace nibble::app {
namespace {

constexpr std::array kCalled = {"model", "MODEL", "--model", "path"};

/// Puts the path in the place of the name; what goes wrong is a wrong value of the option.
std::string replace_name(std::string& value) {
  try {
    value = data::find_model(value).string();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

void accept_model_names(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    const bool is_model = std::ranges::any_of(
        kCalled, [option](const char* name) { return option->check_name(name); });
    if (is_model) {
      option->transform(CLI::Validator(&replace_name, "", "by_name"));
    }
  }
  for (CLI::App* below : command.get_subcommands({})) {
    accept_model_names(*below);
  }
}

}  // namespace nibble::app
