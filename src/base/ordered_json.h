/// JSON whose objects keep the order of the text, for what is shown to a model or a person as it
/// was written.
///
/// Errors     as base/json.h
/// Source     RFC 8259; nlohmann/json
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/function_ref.h"
#include "base/result.h"

namespace nibble {

using OrderedJson = nlohmann::ordered_json;

Result<OrderedJson> parse_ordered_json(std::string_view text, std::string_view where);

/// Calls `f(value, line_number)` for each non-blank line; the first failure of either ends it and
/// is returned.
Result<void> for_each_ordered_json_line(
    std::string_view text,
    std::string_view where,
    FunctionRef<Result<void>(OrderedJson&&, std::size_t line)> f);

}  // namespace nibble
