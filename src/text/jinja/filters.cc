#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/utf8.h"
#include "text/jinja/builtins.h"
#include "text/jinja/operations.h"
#include "text/python_regex.h"
#include "text/unicode/case.h"

namespace nibble::text::jinja {
namespace {

std::optional<std::int64_t> whole_argument(const Arguments& arguments,
                                           std::size_t index,
                                           std::string_view name) {
  const Value* given = arguments.find(index, name);
  return given == nullptr ? std::nullopt : given->as_whole();
}

std::string text_argument(const Arguments& arguments,
                          std::size_t index,
                          std::string_view name,
                          std::string_view otherwise) {
  const Value* given = arguments.find(index, name);
  return given == nullptr ? std::string(otherwise) : to_text(*given);
}

const Value& wanted_argument(const Arguments& arguments, std::size_t index, std::string_view name) {
  const Value* given = arguments.find(index, name);
  if (given == nullptr) {
    raise(ErrorCode::kInvalidArgument, "the argument '{}' is missing", name);
  }
  return *given;
}

/// What map, selectattr, sort and others look at: "a.b" or a position.
Value attribute_of(const Value& item, const Value& path) {
  if (path.as_whole()) {
    return element(item, path);
  }
  std::string_view rest = path.text("an attribute");
  Value value = item;
  while (true) {
    const std::size_t dot = rest.find('.');
    value = member(value, rest.substr(0, dot));
    if (dot == std::string_view::npos) {
      return value;
    }
    rest.remove_prefix(dot + 1);
  }
}

Arguments behind(const Arguments& arguments, std::size_t n) {
  Arguments out;
  const auto first = std::min(n, arguments.positional.size());
  out.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(first),
                        arguments.positional.end());
  out.named = arguments.named;
  return out;
}

Value trim(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const std::string text = to_text(runtime.usable(value));
  const Value* set = arguments.find(0, "chars");
  if (set == nullptr) {
    return std::string(utf8::strip(text));
  }
  Arguments strip;
  strip.positional.push_back(*set);
  return find_method(text, "strip")(text, strip, runtime);
}

Value length(const Value& value, const Arguments&, Runtime& runtime) {
  return static_cast<std::int64_t>(length_of(runtime.usable(value)));
}

Value join(const Value& value, const Arguments& arguments, Runtime& runtime) {
  List items = items_of(runtime.usable(value), runtime);
  if (const Value* attribute = arguments.find(1, "attribute")) {
    for (Value& item : items) {
      item = attribute_of(item, *attribute);
    }
  }
  return joined(items, text_argument(arguments, 0, "d", ""), runtime);
}

Value lower(const Value& value, const Arguments&, Runtime& runtime) {
  return lower_case(to_text(runtime.usable(value)));
}
Value upper(const Value& value, const Arguments&, Runtime& runtime) {
  return upper_case(to_text(runtime.usable(value)));
}
Value capitalize(const Value& value, const Arguments&, Runtime& runtime) {
  return capitalized(to_text(runtime.usable(value)));
}
Value title(const Value& value, const Arguments&, Runtime& runtime) {
  const std::string text = to_text(runtime.usable(value));
  std::string out;
  bool begins = true;  // a word: behind a blank, a hyphen or an opening bracket
  for (const std::string_view one : characters(text)) {
    out += begins ? upper_case(one) : lower_case(one);
    begins = utf8::is_space(utf8::decode(one, 0).value) || one == "-" || one == "(" || one == "{" ||
             one == "[" || one == "<";
  }
  return out;
}

Value first(const Value& value, const Arguments&, Runtime& runtime) {
  const List items = items_of(runtime.usable(value), runtime);
  return items.empty() ? Value(Undefined{"the first of no elements"}) : items.front();
}
Value last(const Value& value, const Arguments&, Runtime& runtime) {
  const List items = items_of(runtime.usable(value), runtime);
  return items.empty() ? Value(Undefined{"the last of no elements"}) : items.back();
}
Value list(const Value& value, const Arguments&, Runtime& runtime) {
  return items_of(runtime.usable(value), runtime);
}
Value reverse(const Value& value, const Arguments&, Runtime& runtime) {
  if (value.is_text()) {
    return slice(value, {std::nullopt, std::nullopt, -1});
  }
  List items = items_of(runtime.usable(value), runtime);
  std::ranges::reverse(items);
  return items;
}

Value replace(const Value& value, const Arguments& arguments, Runtime& runtime) {
  return replaced(to_text(runtime.usable(value)),
                  to_text(wanted_argument(arguments, 0, "old")),
                  to_text(wanted_argument(arguments, 1, "new")),
                  whole_argument(arguments, 2, "count"),
                  runtime);
}

/// Compiled once a thread: a template asks with the same few patterns for row after row.
const PythonRegex& compiled(const std::string& pattern) {
  constexpr std::size_t kMostKept = 64;
  thread_local std::map<std::string, PythonRegex, std::less<>> kept;
  auto found = kept.find(pattern);
  if (found == kept.end()) {
    PythonRegex regex = PythonRegex::compile(pattern).take();
    if (kept.size() >= kMostKept) {
      kept.clear();
    }
    found = kept.emplace(pattern, std::move(regex)).first;
  }
  return found->second;
}

Value regex_replace(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const PythonRegex& regex = compiled(to_text(wanted_argument(arguments, 0, "pattern")));
  const auto count = whole_argument(arguments, 2, "count").value_or(0);
  return regex.replaced(to_text(runtime.usable(value)),
                        text_argument(arguments, 1, "replacement", ""),
                        static_cast<std::size_t>(std::max<std::int64_t>(count, 0)),
                        runtime.limits().max_bytes);
}

Value default_value(const Value& value, const Arguments& arguments, Runtime&) {
  const Value* also_false = arguments.find(1, "boolean");
  const bool is_missing =
      value.is_undefined() || (also_false != nullptr && is_true(*also_false) && !is_true(value));
  const Value* otherwise = arguments.find(0, "default_value");
  return !is_missing ? value : (otherwise == nullptr ? Value("") : *otherwise);
}

Value string(const Value& value, const Arguments&, Runtime& runtime) {
  return to_text(runtime.usable(value));
}

/// Python's int() of a text, else `default` (0).
Value to_int(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const Value* otherwise = arguments.find(0, "default");
  const Value fallback = otherwise == nullptr ? Value(std::int64_t{0}) : *otherwise;
  if (const auto whole = runtime.usable(value).as_whole()) {
    return *whole;
  }
  if (const auto number = value.as_number()) {
    return std::fabs(*number) < 9e18 ? Value(static_cast<std::int64_t>(*number)) : fallback;
  }
  if (!value.is_text()) {
    return fallback;
  }
  std::string_view text = utf8::strip(*value.get<std::string>());
  text.remove_prefix(text.starts_with('+') ? 1 : 0);
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, whole);
      read.ec == std::errc() && read.ptr == end) {
    return whole;
  }
  double number = 0;
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end && std::fabs(number) < 9e18
             ? Value(static_cast<std::int64_t>(number))
             : fallback;
}

Value to_float(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const Value* otherwise = arguments.find(0, "default");
  const Value fallback = otherwise == nullptr ? Value(0.0) : *otherwise;
  if (const auto number = runtime.usable(value).as_number()) {
    return *number;
  }
  if (!value.is_text()) {
    return fallback;
  }
  const std::string_view text = utf8::strip(*value.get<std::string>());
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? Value(number) : fallback;
}

Value absolute(const Value& value, const Arguments&, Runtime& runtime) {
  const auto number = runtime.usable(value).as_number();
  if (!number) {
    raise(ErrorCode::kInvalidArgument, "abs wants a number, not {}", kind_name(value));
  }
  return *number < 0 ? negated(value) : value;
}

Value round(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const auto number = runtime.usable(value).as_number();
  const auto precision = whole_argument(arguments, 0, "precision").value_or(0);
  if (!number || precision < -300 || precision > 300) {
    raise(ErrorCode::kInvalidArgument, "round wants a number, not {}", kind_name(value));
  }
  const std::string method = text_argument(arguments, 1, "method", "common");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = *number * scale;
  return (method == "ceil"    ? std::ceil(scaled)
          : method == "floor" ? std::floor(scaled)
                              : std::nearbyint(scaled)) /
         scale;
}

Value tojson(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const auto indent = whole_argument(arguments, 0, "indent");
  if (indent && (*indent < 0 || *indent > 64)) {
    raise(ErrorCode::kInvalidArgument, "an indent of {}, wanted 0 to 64", *indent);
  }
  return to_json(runtime.usable(value),
                 indent ? std::optional(static_cast<std::size_t>(*indent)) : std::nullopt,
                 runtime);
}

Value pairs_of(const Value& value, bool is_sorted) {
  List out;
  if (value.is_undefined()) {
    return out;
  }
  if (!value.is_dict()) {
    raise(ErrorCode::kInvalidArgument, "items of {}, wanted a dictionary", kind_name(value));
  }
  std::vector<Entry> entries = value.dict()->entries;
  if (is_sorted) {
    std::ranges::stable_sort(entries, {}, [](const Entry& e) { return lower_case(e.first); });
  }
  for (Entry& entry : entries) {
    out.emplace_back(List{std::move(entry.first), std::move(entry.second)});
  }
  return out;
}
Value items(const Value& value, const Arguments&, Runtime&) {
  return pairs_of(value, false);
}
Value dictsort(const Value& value, const Arguments&, Runtime&) {
  return pairs_of(value, true);
}

/// What sorting and unique compare: texts without regard to case unless asked otherwise.
Value sort_key(const Value& item, const Arguments& arguments, std::size_t case_index) {
  const Value* attribute = arguments.find(case_index + 1, "attribute");
  const Value key = attribute == nullptr ? item : attribute_of(item, *attribute);
  const Value* sensitive = arguments.find(case_index, "case_sensitive");
  const bool keeps_case = sensitive != nullptr && is_true(*sensitive);
  return key.is_text() && !keeps_case ? Value(lower_case(*key.get<std::string>())) : key;
}

Value sort(const Value& value, const Arguments& arguments, Runtime& runtime) {
  std::vector<std::pair<Value, Value>> keyed;
  for (Value& item : items_of(runtime.usable(value), runtime)) {
    Value key = sort_key(item, arguments, 1);
    keyed.emplace_back(std::move(key), std::move(item));
  }
  std::ranges::stable_sort(
      keyed,
      [](const Value& a, const Value& b) { return compare(a, b) < 0; },
      &std::pair<Value, Value>::first);
  const Value* reversed = arguments.find(0, "reverse");
  List out;
  for (auto& [key, item] : keyed) {
    out.push_back(std::move(item));
  }
  if (reversed != nullptr && is_true(*reversed)) {
    std::ranges::reverse(out);
  }
  return out;
}

Value unique(const Value& value, const Arguments& arguments, Runtime& runtime) {
  List seen;
  List out;
  for (Value& item : items_of(runtime.usable(value), runtime)) {
    const Runtime::Step step(runtime);
    Value key = sort_key(item, arguments, 0);
    if (std::ranges::none_of(seen, [&](const Value& one) { return are_equal(one, key); })) {
      seen.push_back(std::move(key));
      out.push_back(std::move(item));
    }
  }
  return out;
}

/// map('filter', arguments…) or map(attribute='name').
Value map(const Value& value, const Arguments& arguments, Runtime& runtime) {
  List out;
  const Value* attribute = arguments.positional.empty() ? arguments.find(0, "attribute") : nullptr;
  const Builtin filter = attribute == nullptr
                             ? find_filter(wanted_argument(arguments, 0, "filter").text("map"))
                             : nullptr;
  const Arguments rest = behind(arguments, 1);
  for (const Value& item : items_of(runtime.usable(value), runtime)) {
    const Runtime::Step step(runtime);
    if (attribute == nullptr) {
      out.push_back(filter(item, rest, runtime));
      continue;
    }
    Value found = attribute_of(item, *attribute);
    const Value* otherwise = arguments.find(SIZE_MAX, "default");
    out.push_back(found.is_undefined() && otherwise != nullptr ? *otherwise : std::move(found));
  }
  return out;
}

struct Selection {
  bool by_attribute;
  bool keeps_true;
};
Value selected(const Value& value,
               const Arguments& arguments,
               Runtime& runtime,
               const Selection& selection) {
  const std::size_t skip = selection.by_attribute ? 1 : 0;
  const Test test = arguments.positional.size() > skip
                        ? find_test(arguments.positional[skip].text("a selection"))
                        : nullptr;
  const Arguments rest = behind(arguments, skip + 1);
  List out;
  for (Value& item : items_of(runtime.usable(value), runtime)) {
    const Runtime::Step step(runtime);
    const Value looked_at = selection.by_attribute
                                ? attribute_of(item, wanted_argument(arguments, 0, "attribute"))
                                : item;
    const bool holds =
        test == nullptr ? is_true(runtime.usable(looked_at)) : test(looked_at, rest, runtime);
    if (holds == selection.keeps_true) {
      out.push_back(std::move(item));
    }
  }
  return out;
}
Value select(const Value& value, const Arguments& arguments, Runtime& runtime) {
  return selected(value, arguments, runtime, {false, true});
}
Value reject(const Value& value, const Arguments& arguments, Runtime& runtime) {
  return selected(value, arguments, runtime, {false, false});
}
Value selectattr(const Value& value, const Arguments& arguments, Runtime& runtime) {
  return selected(value, arguments, runtime, {true, true});
}
Value rejectattr(const Value& value, const Arguments& arguments, Runtime& runtime) {
  return selected(value, arguments, runtime, {true, false});
}

Value sum(const Value& value, const Arguments& arguments, Runtime& runtime) {
  Value total = std::int64_t{0};
  for (const Value& item : items_of(runtime.usable(value), runtime)) {
    const Value* attribute = arguments.find(0, "attribute");
    total = apply(BinaryOperator::kAdd,
                  total,
                  attribute == nullptr ? item : attribute_of(item, *attribute),
                  runtime);
  }
  return total;
}

Value extreme(const Value& value, Runtime& runtime, int sign) {
  const List all = items_of(runtime.usable(value), runtime);
  Value best = Undefined{"the least or greatest of no elements"};
  for (const Value& item : all) {
    if (best.is_undefined() || sign * compare(item, best) > 0) {
      best = item;
    }
  }
  return best;
}
Value min(const Value& value, const Arguments&, Runtime& runtime) {
  return extreme(value, runtime, -1);
}
Value max(const Value& value, const Arguments&, Runtime& runtime) {
  return extreme(value, runtime, 1);
}

Value indent(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const Value* given = arguments.find(0, "width");
  const auto width = given == nullptr ? std::optional<std::int64_t>(4) : given->as_whole();
  if (!given || width) {
    if (*width < 0 || *width > 64) {
      raise(ErrorCode::kInvalidArgument, "an indent of {}, wanted 0 to 64", *width);
    }
  }
  const std::string blanks =
      width ? std::string(static_cast<std::size_t>(*width), ' ') : to_text(*given);
  const auto asks = [&](std::size_t index, std::string_view name) {
    const Value* flag = arguments.find(index, name);
    return flag != nullptr && is_true(*flag);
  };
  const std::string text = to_text(runtime.usable(value));
  std::string out = asks(1, "first") ? blanks : "";
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    const bool is_blank_line = i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] == '\n' && i + 1 < text.size() && (!is_blank_line || asks(2, "blank"))) {
      out += blanks;
      runtime.check_bytes(out.size());
    }
  }
  return out;
}

}  // namespace

Builtin find_filter(std::string_view name) {
  struct Row {
    std::string_view name;
    Builtin filter;
  };
  static constexpr Row kRows[] = {{"abs", absolute},
                                  {"capitalize", capitalize},
                                  {"count", length},
                                  {"d", default_value},
                                  {"default", default_value},
                                  {"dictsort", dictsort},
                                  {"first", first},
                                  {"float", to_float},
                                  {"indent", indent},
                                  {"int", to_int},
                                  {"items", items},
                                  {"join", join},
                                  {"last", last},
                                  {"length", length},
                                  {"list", list},
                                  {"lower", lower},
                                  {"map", map},
                                  {"max", max},
                                  {"min", min},
                                  {"regex_replace", regex_replace},
                                  {"reject", reject},
                                  {"rejectattr", rejectattr},
                                  {"replace", replace},
                                  {"reverse", reverse},
                                  {"round", round},
                                  {"safe", string},
                                  {"select", select},
                                  {"selectattr", selectattr},
                                  {"sort", sort},
                                  {"string", string},
                                  {"sum", sum},
                                  {"title", title},
                                  {"tojson", tojson},
                                  {"trim", trim},
                                  {"unique", unique},
                                  {"upper", upper}};
  const auto* found = std::ranges::find(kRows, name, &Row::name);
  if (found == std::ranges::end(kRows)) {
    raise(ErrorCode::kNotFound, "there is no filter '{}'", name);
  }
  return found->filter;
}

}  // namespace nibble::text::jinja
