/// The option --kv, alike in every command that runs a model.
#pragma once

#include "codec/kv/scheme.h"

namespace CLI {
class App;
}

namespace nibble::app {

/// Adds the option; without it `scheme` stays as it is. A wrong name is a usage error. `scheme`
/// must live until the command line is parsed.
void add_kv_option(CLI::App& command, const codec::KvScheme*& scheme);

}  // namespace nibble::app
