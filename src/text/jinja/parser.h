/// Tokens to the tree of a template.
///
/// Errors     Error(kCorruptData) "WHERE:LINE: reason", for names of filters and tests that there
///            are not, too; nesting deeper than 60 and chains of more than 200 operators are
///            refused
/// Source     Jinja 3.1 parser
#pragma once

#include <string_view>
#include <vector>

#include "text/jinja/lexer.h"
#include "text/jinja/nodes.h"

namespace nibble::text::jinja {

Block parse(const std::vector<Token>& tokens, std::string_view where);

}  // namespace nibble::text::jinja
