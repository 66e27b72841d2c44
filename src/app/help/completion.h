/// A script that completes commands and options in a shell; what is neither is left to file names.
///
/// Source     bash(1), "Programmable Completion"; zsh's bashcompinit runs the same script
#pragma once

#include <span>
#include <string>

#include "app/help/command_tree.h"

namespace nibble::app {

std::string bash_completion(std::span<const CommandText> tree);
std::string zsh_completion(std::span<const CommandText> tree);

}  // namespace nibble::app
