/// The functions that templates call: filters (`x|trim`), tests (`x is defined`), methods of texts
/// and dictionaries (`x.split(" ")`) and global functions (`range(3)`).
///
/// Filters and methods behave as Jinja's and Python's of the same name; `regex_replace(pattern,
/// replacement, count)` is lm-evaluation-harness's. A method that would change its object is not
/// there.
///
/// Errors     Error(kNotFound) for a name that there is not; Error(kInvalidArgument) for arguments
///            that the function refuses; Error(kInvalidArgument) with the template's own words from
///            raise_exception
/// Source     Jinja 3.1; Python 3.11; Transformers chat templates (tojson, raise_exception,
///            strftime_now)
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/jinja/nodes.h"

namespace nibble::text::jinja {

using Builtin = Value (*)(const Value& value, const Arguments& arguments, Runtime& runtime);

/// Raises kNotFound.
Builtin find_filter(std::string_view name);
using Test = bool (*)(const Value& value, const Arguments& arguments, Runtime& runtime);
Test find_test(std::string_view name);
/// nullptr where values of this kind have no such method.
Builtin find_method(const Value& value, std::string_view name) noexcept;
/// nullptr where there is none.
Builtin find_function(std::string_view name) noexcept;

}  // namespace nibble::text::jinja
