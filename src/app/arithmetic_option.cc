#include "app/arithmetic_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace nibble::app {

void add_arithmetic_option(CLI::App& command, Arithmetic& mode) {
  command
      .add_option_function<std::string>(
          "--arithmetic",
          [&mode](const std::string& name) {
            const auto found = arithmetic_from_name(name);
            if (!found) {
              throw CLI::ValidationError("--arithmetic",
                                         fmt::format("'{}': wanted {}", name, kArithmeticNames));
            }
            mode = *found;
          },
          "f32 (slow reference), native (fast) or deterministic (native; no batch changes a bit)")
      ->default_str(std::string(arithmetic_name(mode)));
}

}  // namespace nibble::app
