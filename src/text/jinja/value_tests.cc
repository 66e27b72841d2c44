#include <algorithm>

#include "base/error.h"
#include "text/jinja/builtins.h"
#include "text/jinja/operations.h"
#include "text/unicode/case.h"

namespace nibble::text::jinja {
namespace {

const Value& other(const Arguments& arguments) {
  if (arguments.positional.empty()) {
    raise(ErrorCode::kInvalidArgument, "the test wants something to compare with");
  }
  return arguments.positional.front();
}

std::int64_t whole(const Value& value) {
  const auto number = value.as_whole();
  if (!number) {
    raise(ErrorCode::kInvalidArgument, "the test wants a whole number, not {}", kind_name(value));
  }
  return *number;
}

bool is_iterable(const Value& value) {
  return value.is_list() || value.is_dict() || value.is_text();
}

/// Those that look at nothing but the value's kind.
template <auto kHolds>
bool of_kind(const Value& value, const Arguments&, Runtime&) {
  return kHolds(value);
}

bool is_divisible(const Value& value, const Arguments& arguments, Runtime&) {
  const std::int64_t by = whole(other(arguments));
  if (by == 0) {
    raise(ErrorCode::kInvalidArgument, "a division by zero");
  }
  return by == -1 || whole(value) % by == 0;
}

template <int kLeast, int kMost>
bool is_between(const Value& value, const Arguments& arguments, Runtime&) {
  const int order = compare(value, other(arguments));
  const int sign = order < 0 ? -1 : (order > 0 ? 1 : 0);
  return sign >= kLeast && sign <= kMost;
}

bool is_equal(const Value& value, const Arguments& arguments, Runtime&) {
  return are_equal(value, other(arguments));
}
bool is_unequal(const Value& value, const Arguments& arguments, Runtime&) {
  return !are_equal(value, other(arguments));
}
bool is_in(const Value& value, const Arguments& arguments, Runtime&) {
  return contains(other(arguments), value);
}

}  // namespace

Test find_test(std::string_view name) {
  struct Row {
    std::string_view name;
    Test test;
  };
  static constexpr Row kRows[] = {
      {"boolean", of_kind<[](const Value& v) { return v.get<bool>() != nullptr; }>},
      {"defined", of_kind<[](const Value& v) { return !v.is_undefined(); }>},
      {"divisibleby", is_divisible},
      {"eq", is_equal},
      {"equalto", is_equal},
      {"even", of_kind<[](const Value& v) { return whole(v) % 2 == 0; }>},
      {"false", of_kind<[](const Value& v) { return v.get<bool>() != nullptr && !is_true(v); }>},
      {"float", of_kind<[](const Value& v) { return v.get<double>() != nullptr; }>},
      {"ge", is_between<0, 1>},
      {"gt", is_between<1, 1>},
      {"greaterthan", is_between<1, 1>},
      {"in", is_in},
      {"integer", of_kind<[](const Value& v) { return v.get<std::int64_t>() != nullptr; }>},
      {"iterable", of_kind<[](const Value& v) { return is_iterable(v); }>},
      {"le", is_between<-1, 0>},
      {"lower",
       of_kind<[](const Value& v) { return v.is_text() && lower_case(to_text(v)) == to_text(v); }>},
      {"lt", is_between<-1, -1>},
      {"lessthan", is_between<-1, -1>},
      {"mapping", of_kind<[](const Value& v) { return v.is_dict(); }>},
      {"ne", is_unequal},
      {"none", of_kind<[](const Value& v) { return v.is_none(); }>},
      {"number", of_kind<[](const Value& v) { return v.as_number().has_value(); }>},
      {"odd", of_kind<[](const Value& v) { return whole(v) % 2 != 0; }>},
      {"sequence", of_kind<[](const Value& v) { return is_iterable(v); }>},
      {"string", of_kind<[](const Value& v) { return v.is_text(); }>},
      {"true", of_kind<[](const Value& v) { return v.get<bool>() != nullptr && is_true(v); }>},
      {"undefined", of_kind<[](const Value& v) { return v.is_undefined(); }>},
      {"upper",
       of_kind<[](const Value& v) { return v.is_text() && upper_case(to_text(v)) == to_text(v); }>},
  };
  const auto* found = std::ranges::find(kRows, name, &Row::name);
  if (found == std::ranges::end(kRows)) {
    raise(ErrorCode::kNotFound, "there is no test '{}'", name);
  }
  return found->test;
}

}  // namespace nibble::text::jinja
