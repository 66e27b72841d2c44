/// What the command line offers, as plain values: the manual page and shell completion are written
/// from it, so that neither can name an option that does not exist.
///
/// Source     our own; read from the option library
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace nibble::app {

struct OptionText {
  std::vector<std::string> names;  ///< "-o", "--output"; for a positional its name alone
  std::string value;               ///< what it takes, "TEXT"; "" for a flag
  std::string description;
  bool is_positional = false;
};

struct CommandText {
  std::string path;  ///< "rag index"; "" for the program itself
  std::string description;
  std::string footer;
  std::vector<OptionText> options;
  std::vector<std::string> commands;  ///< names of the commands below
};

/// The program first, then every command in the order of `nibble --help`, each behind its parent.
std::vector<CommandText> command_tree(const CLI::App& root);

}  // namespace nibble::app
