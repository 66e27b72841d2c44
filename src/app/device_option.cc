#include "app/device_option.h"

#include <CLI/CLI.hpp>

namespace nibble::app {

void add_device_option(CLI::App& command, std::string& device) {
  command.add_option("--device", device, "cpu, or a GPU: cuda:0")->capture_default_str();
}

}  // namespace nibble::app
