#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/json.h"
#include "kernels/cuda/device.h"
#include "kernels/select.h"

namespace nibble::app {
namespace {

Json version_facts() {
  Json devices = Json::array();
  for (const kernels::CudaDevice& device : kernels::list_cuda_devices()) {
    devices.push_back(
        {{"name", device.name},
         {"compute_capability", fmt::format("{}.{}", device.compute_major, device.compute_minor)},
         {"memory_bytes", device.memory_bytes}});
  }
  return {{"version", NIBBLE_VERSION},
          {"compiler", __VERSION__},
          {"kernels", kernels::kernels().name},
          {"cuda", kernels::cuda_status()},
          {"cuda_devices", devices}};
}

std::string to_text(const Json& facts) {
  std::string text = fmt::format("nibble {} (g++ {})\nCPU kernels: {}\nCUDA: {}\n",
                                 facts["version"].get<std::string>(),
                                 facts["compiler"].get<std::string>(),
                                 facts["kernels"].get<std::string>(),
                                 facts["cuda"].get<std::string>());
  for (const Json& device : facts["cuda_devices"]) {
    text += fmt::format("  {}, sm {}, {} MiB\n",
                        device["name"].get<std::string>(),
                        device["compute_capability"].get<std::string>(),
                        device["memory_bytes"].get<std::size_t>() >> 20);
  }
  return text;
}

}  // namespace

void add_version(CLI::App& root, Invocation& invocation) {
  CLI::App* command =
      root.add_subcommand("version", "Print the version, how it was built, kernels and devices");
  command->callback([&invocation] {
    invocation.run = [&invocation] {
      const Json facts = version_facts();
      print_out(invocation.globals.json ? dump_json(facts) + "\n" : to_text(facts));
      return 0;
    };
  });
}

}  // namespace nibble::app
