/// The table of commands.
#pragma once

#include <span>

#include "app/command.h"

namespace nibble::app {

std::span<const AddCommand> command_table();

}  // namespace nibble::app
