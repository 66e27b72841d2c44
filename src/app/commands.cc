#include "app/commands.h"

#include <array>

namespace nibble::app {

void add_version(CLI::App& root, Invocation& invocation);

std::span<const AddCommand> command_table() {
  // In the order in which `nibble --help` lists them.
  static constexpr std::array kTable = {
      &add_version,
  };
  return kTable;
}

}  // namespace nibble::app
