#include "app/device_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/byte_amount.h"

namespace nibble::app {
namespace {

constexpr double kMostDeviceBytes = 1e15;

}  // namespace

void add_device_option(CLI::App& command, std::string& device) {
  command.add_option("--device", device, "cpu, or a GPU: cuda:0")->capture_default_str();
}

void add_device_options(CLI::App& command, std::string& device, std::size_t& memory_bytes) {
  add_device_option(command, device);
  CLI::Option* const option = command.add_option_function<std::string>(
      "--device-memory",
      [&memory_bytes](const std::string& text) {
        const auto bytes = parse_byte_amount(text);
        if (!bytes || *bytes < 1 || *bytes >= kMostDeviceBytes) {
          throw CLI::ValidationError("--device-memory",
                                     fmt::format("'{}': wanted an amount with its unit, like 8GiB "
                                                 "or 500MB",
                                                 text));
        }
        memory_bytes = static_cast<std::size_t>(*bytes);
      },
      "Most memory of the GPU, like 6GB; layers that do not fit stay in host memory and are copied "
      "for every pass. Default: what is free there");
  option->needs(command.get_option("--device"));
}

}  // namespace nibble::app
