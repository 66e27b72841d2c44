/// The options --device and --device-memory, alike in every command that runs a model.
#pragma once

#include <cstddef>
#include <string>

namespace CLI {
class App;
}

namespace nibble::app {

/// Adds the option; what `device` holds is the default. Names are resolved when a model is loaded.
/// `device` must live until the command line is parsed.
void add_device_option(CLI::App& command, std::string& device);
/// And how many bytes of it a model may take; 0: what is free.
void add_device_options(CLI::App& command, std::string& device, std::size_t& memory_bytes);

}  // namespace nibble::app
