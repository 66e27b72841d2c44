/// JSON text to values, with positions in the errors.
///
/// Errors     kCorruptData "where:LINE:COLUMN: reason"; nesting deeper than 128 and numbers out of
///            range are refused
/// Source     RFC 8259; nlohmann/json
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "base/function_ref.h"
#include "base/result.h"

namespace nibble {

using Json = nlohmann::json;

/// Parses one document; `where` (a path) heads the error message.
Result<Json> parse_json(std::string_view text, std::string_view where);

/// Calls `f(value, line_number)` for each non-blank line; the first failure of either ends it and
/// is returned.
Result<void> for_each_json_line(std::string_view text,
                                std::string_view where,
                                FunctionRef<Result<void>(Json&&, std::size_t line)> f);

/// One line, keys sorted, text as UTF-8; bytes that are not UTF-8 become U+FFFD.
std::string dump_json(const Json& value);

/// What is missing is null, never zero.
Json or_null(std::optional<double> value);
Json or_null(std::optional<std::size_t> value);

}  // namespace nibble
