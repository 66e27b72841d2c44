/// The option --arithmetic, alike in every command that runs a model.
#pragma once

#include "base/arithmetic.h"

namespace CLI {
class App;
}

namespace nibble::app {

/// Adds the option; what `mode` holds is the default. A wrong name is a usage error. `mode` must
/// live until the command line is parsed.
void add_arithmetic_option(CLI::App& command, Arithmetic& mode);

}  // namespace nibble::app
