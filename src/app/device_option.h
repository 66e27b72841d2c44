/// The option --device, alike in every command that runs a model.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace nibble::app {

/// Adds the option; what `device` holds is the default. Names are resolved when a model is loaded.
/// `device` must live until the command line is parsed.
void add_device_option(CLI::App& command, std::string& device);

}  // namespace nibble::app
