/// Names of models where paths of models are wanted: "org/name" of what `nibble pull` fetched.
///
/// Source     data/hub/model_name.h
#pragma once

namespace CLI {
class App;
}

namespace nibble::app {

/// Every option of the command and of those below it that is called MODEL takes a name, too: a path
/// that is there stays as it is.
void accept_model_names(CLI::App& command);

}  // namespace nibble::app
