/// The manual page nibble(1) in the language of man(7).
///
/// Source     man-pages(7) for the order of sections
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/help/command_tree.h"

namespace nibble::app {

std::string manual_page(std::span<const CommandText> tree, std::string_view version);

}  // namespace nibble::app
