#include "app/kv_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace nibble::app {

void add_kv_option(CLI::App& command, const codec::KvScheme*& scheme) {
  command.add_option_function<std::string>(
      "--kv",
      [&scheme](const std::string& name) {
        const auto found = codec::kv_scheme_from_name(name);
        if (!found) {
          throw CLI::ValidationError("--kv", found.failure().message);
        }
        scheme = *found;
      },
      fmt::format("How keys and values are kept: {}; by default as the model's folder says, else "
                  "f32 or f16 by the arithmetic",
                  codec::kv_scheme_names()));
}

}  // namespace nibble::app
