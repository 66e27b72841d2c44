#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/command.h"

namespace nibble::app {

void add_version(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand("version", "Print the version and how this program was built");
  command->callback([&invocation] {
    invocation.run = [&invocation] {
      if (invocation.globals.json) {
        print_out(fmt::format("{{\"version\":\"{}\",\"compiler\":\"{}\"}}\n", NIBBLE_VERSION, __VERSION__));
      } else {
        print_out(fmt::format("nibble {} (g++ {})\n", NIBBLE_VERSION, __VERSION__));
      }
      return 0;
    };
  });
}

}  // namespace nibble::app
