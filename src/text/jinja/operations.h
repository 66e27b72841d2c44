/// What operators and several built-in functions share.
///
/// Errors     Error(kInvalidArgument) where Python would raise
/// Source     Python 3.11
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/nodes.h"

namespace nibble::text::jinja {

enum class BinaryOperator : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kJoin,  ///< ~
};
Value apply(BinaryOperator operation, const Value& a, const Value& b, Runtime& runtime);
Value negated(const Value& value);

/// `needle in haystack`.
bool contains(const Value& haystack, const Value& needle);
/// `object.name` and `object["name"]`, `object[3]`; undefined where there is nothing.
Value member(const Value& object, std::string_view name);
Value element(const Value& object, const Value& index);
struct SliceBounds {
  std::optional<std::int64_t> begin, end, step;
};
Value slice(const Value& object, const SliceBounds& bounds);
/// Elements of a list, keys of a dictionary, characters of a text; what else is an error.
List items_of(const Value& value, Runtime& runtime);
std::size_t length_of(const Value& value);

/// The characters of a text, one text each.
std::vector<std::string_view> characters(std::string_view text);
/// `replace` without a limit of its own, bounded by the runtime's.
std::string replaced(std::string_view text,
                     std::string_view from,
                     std::string_view to,
                     std::optional<std::int64_t> at_most,
                     const Runtime& runtime);
std::string joined(const List& items, std::string_view separator, const Runtime& runtime);

/// Python's json.dumps without ASCII escapes; `indent` spaces a level where given.
std::string to_json(const Value& value, std::optional<std::size_t> indent, const Runtime& runtime);

}  // namespace nibble::text::jinja
