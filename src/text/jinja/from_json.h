/// JSON as values of templates and back; dictionaries keep the order of the text.
///
/// Errors     Error(kCorruptData) for whole numbers beyond 64 bits with sign, and for nesting
///            deeper than kMaxDepth
/// Source     RFC 8259
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/value.h"

namespace nibble::text::jinja {

Value value_of(const nlohmann::ordered_json& json);
/// The value as one line of JSON; what JSON does not know is null.
std::string json_text(const Value& value);
/// One JSON document; `where` heads the error message.
Result<Value> parse_json_value(std::string_view text, std::string_view where);

}  // namespace nibble::text::jinja
