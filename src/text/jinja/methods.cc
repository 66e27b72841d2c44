#include <algorithm>
#include <span>

#include "base/error.h"
#include "base/utf8.h"
#include "text/jinja/builtins.h"
#include "text/jinja/operations.h"
#include "text/unicode/case.h"

namespace nibble::text::jinja {
namespace {

const std::string& self(const Value& value) {
  return *value.get<std::string>();
}

const Value& wanted(const Arguments& arguments, std::size_t index) {
  if (index >= arguments.positional.size()) {
    raise(ErrorCode::kInvalidArgument, "a method lacks its argument {}", index + 1);
  }
  return arguments.positional[index];
}

enum class Ends : std::uint8_t { kLeft, kRight, kBoth };

/// Without the characters of the argument, white space without one, at the ends.
template <Ends kEnds>
Value strip(const Value& value, const Arguments& arguments, Runtime&) {
  const Value* set = arguments.find(0, "chars");
  const bool is_space = set == nullptr || set->is_none();
  const std::vector<std::string_view> dropped =
      is_space ? std::vector<std::string_view>() : characters(set->text("strip"));
  const std::vector<std::string_view> parts = characters(self(value));
  const auto drops = [&](std::string_view one) {
    return is_space ? utf8::is_space(utf8::decode(one, 0).value)
                    : std::ranges::find(dropped, one) != dropped.end();
  };
  std::size_t begin = 0;
  std::size_t end = parts.size();
  while (kEnds != Ends::kRight && begin < end && drops(parts[begin])) {
    ++begin;
  }
  while (kEnds != Ends::kLeft && begin < end && drops(parts[end - 1])) {
    --end;
  }
  std::string out;
  for (std::size_t i = begin; i < end; ++i) {
    out += parts[i];
  }
  return out;
}

List split_at_space(std::string_view text, std::int64_t at_most) {
  List out;
  std::string word;
  for (std::size_t i = 0; i < text.size();) {
    const utf8::CodePoint point = utf8::decode(text, i);
    const bool is_space = utf8::is_space(point.value);
    if (!is_space && word.empty() && at_most >= 0 &&
        static_cast<std::int64_t>(out.size()) == at_most) {
      out.emplace_back(std::string(text.substr(i)));
      return out;
    }
    if (!is_space) {
      word += text.substr(i, point.n_bytes);
    } else if (!word.empty()) {
      out.emplace_back(std::move(word));
      word.clear();
    }
    i += point.n_bytes;
  }
  if (!word.empty()) {
    out.emplace_back(std::move(word));
  }
  return out;
}

/// Python's split and rsplit.
template <bool kFromRight>
Value split(const Value& value, const Arguments& arguments, Runtime&) {
  std::string_view text = self(value);
  const Value* separator = arguments.find(0, "sep");
  const Value* limit = arguments.find(1, "maxsplit");
  const std::int64_t at_most = limit == nullptr ? -1 : limit->as_whole().value_or(-1);
  if (separator == nullptr || separator->is_none()) {
    return split_at_space(text, at_most);
  }
  const std::string& mark = separator->text("split");
  if (mark.empty()) {
    raise(ErrorCode::kInvalidArgument, "split wants a separator that is not empty");
  }
  List out;
  const auto may_go_on = [&] {
    return at_most < 0 || static_cast<std::int64_t>(out.size()) < at_most;
  };
  for (std::size_t at = kFromRight ? text.rfind(mark) : text.find(mark);
       at != std::string_view::npos && may_go_on();
       at = kFromRight ? text.rfind(mark) : text.find(mark)) {
    if constexpr (kFromRight) {
      out.emplace_back(std::string(text.substr(at + mark.size())));
      text = text.substr(0, at);
    } else {
      out.emplace_back(std::string(text.substr(0, at)));
      text.remove_prefix(at + mark.size());
    }
  }
  out.emplace_back(std::string(text));
  if constexpr (kFromRight) {
    std::ranges::reverse(out);
  }
  return out;
}

Value splitlines(const Value& value, const Arguments&, Runtime&) {
  List out;
  std::string_view text = self(value);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    line = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    out.emplace_back(std::string(line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

/// startswith and endswith; the argument may be a list.
template <bool kAtEnd>
Value has_affix(const Value& value, const Arguments& arguments, Runtime&) {
  const Value& affix = wanted(arguments, 0);
  const auto fits = [&](const Value& one) {
    const std::string& text = one.text("startswith");
    return kAtEnd ? self(value).ends_with(text) : self(value).starts_with(text);
  };
  return affix.is_list() ? std::ranges::any_of(*affix.list(), fits) : fits(affix);
}

template <bool kAtEnd>
Value without_affix(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const std::string& affix = wanted(arguments, 0).text("removeprefix");
  if (!is_true(has_affix<kAtEnd>(value, arguments, runtime))) {
    return value;
  }
  const std::size_t rest = self(value).size() - affix.size();
  return kAtEnd ? self(value).substr(0, rest) : self(value).substr(affix.size());
}

Value replace(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const Value* limit = arguments.find(2, "count");
  return replaced(self(value),
                  wanted(arguments, 0).text("replace"),
                  wanted(arguments, 1).text("replace"),
                  limit == nullptr ? std::nullopt : limit->as_whole(),
                  runtime);
}

/// The number of characters before the argument; -1 where it is not there.
template <bool kFromRight>
Value find(const Value& value, const Arguments& arguments, Runtime&) {
  const std::string& text = self(value);
  const std::string& wanted_text = wanted(arguments, 0).text("find");
  const std::size_t at = kFromRight ? text.rfind(wanted_text) : text.find(wanted_text);
  return at == std::string::npos
             ? std::int64_t{-1}
             : static_cast<std::int64_t>(utf8::length(std::string_view(text).substr(0, at)));
}

Value index(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const Value at = find<false>(value, arguments, runtime);
  if (at.as_whole() == -1) {
    raise(ErrorCode::kInvalidArgument, "'{}' is not in the text", to_text(wanted(arguments, 0)));
  }
  return at;
}

Value count(const Value& value, const Arguments& arguments, Runtime&) {
  const std::string& text = self(value);
  const std::string& part = wanted(arguments, 0).text("count");
  if (part.empty()) {
    return static_cast<std::int64_t>(utf8::length(text)) + 1;
  }
  std::int64_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + part.size())) {
    ++n;
  }
  return n;
}

Value join(const Value& value, const Arguments& arguments, Runtime& runtime) {
  const List parts = items_of(wanted(arguments, 0), runtime);
  for (const Value& part : parts) {
    static_cast<void>(part.text("join"));
  }
  return joined(parts, self(value), runtime);
}

Value lower(const Value& value, const Arguments&, Runtime&) {
  return lower_case(self(value));
}
Value upper(const Value& value, const Arguments&, Runtime&) {
  return upper_case(self(value));
}
Value capitalize(const Value& value, const Arguments&, Runtime&) {
  return capitalized(self(value));
}
Value title(const Value& value, const Arguments&, Runtime&) {
  return title_case(self(value));
}
Value isdigit(const Value& value, const Arguments&, Runtime&) {
  return !self(value).empty() &&
         std::ranges::all_of(self(value), [](char c) { return c >= '0' && c <= '9'; });
}

Value list_index(const Value& value, const Arguments& arguments, Runtime&) {
  const List& items = *value.list();
  const auto found = std::ranges::find_if(
      items, [&](const Value& one) { return are_equal(one, wanted(arguments, 0)); });
  if (found == items.end()) {
    raise(ErrorCode::kInvalidArgument, "{} is not in the list", to_repr(wanted(arguments, 0)));
  }
  return static_cast<std::int64_t>(found - items.begin());
}
Value list_count(const Value& value, const Arguments& arguments, Runtime&) {
  return static_cast<std::int64_t>(std::ranges::count_if(
      *value.list(), [&](const Value& one) { return are_equal(one, wanted(arguments, 0)); }));
}

Value get(const Value& value, const Arguments& arguments, Runtime&) {
  const Value* found = value.dict()->find(wanted(arguments, 0).text("get"));
  const Value* otherwise = arguments.find(1, "default");
  return found != nullptr ? *found : (otherwise == nullptr ? Value() : *otherwise);
}
Value keys(const Value& value, const Arguments&, Runtime& runtime) {
  return items_of(value, runtime);
}
Value values(const Value& value, const Arguments&, Runtime&) {
  List out;
  for (const Entry& entry : value.dict()->entries) {
    out.push_back(entry.second);
  }
  return out;
}
Value items(const Value& value, const Arguments& arguments, Runtime& runtime) {
  return find_filter("items")(value, arguments, runtime);
}

struct Row {
  std::string_view name;
  Builtin method;
};
constexpr Row kTextMethods[] = {{"capitalize", capitalize},
                                {"count", count},
                                {"endswith", has_affix<true>},
                                {"find", find<false>},
                                {"index", index},
                                {"isdigit", isdigit},
                                {"join", join},
                                {"lower", lower},
                                {"lstrip", strip<Ends::kLeft>},
                                {"removeprefix", without_affix<false>},
                                {"removesuffix", without_affix<true>},
                                {"replace", replace},
                                {"rfind", find<true>},
                                {"rsplit", split<true>},
                                {"rstrip", strip<Ends::kRight>},
                                {"split", split<false>},
                                {"splitlines", splitlines},
                                {"startswith", has_affix<false>},
                                {"strip", strip<Ends::kBoth>},
                                {"title", title},
                                {"upper", upper}};
constexpr Row kListMethods[] = {{"count", list_count}, {"index", list_index}};
constexpr Row kDictMethods[] = {{"get", get}, {"items", items}, {"keys", keys}, {"values", values}};

Builtin among(std::span<const Row> rows, std::string_view name) noexcept {
  const auto found = std::ranges::find(rows, name, &Row::name);
  return found == rows.end() ? nullptr : found->method;
}

}  // namespace

Builtin find_method(const Value& value, std::string_view name) noexcept {
  if (value.is_text()) {
    return among(kTextMethods, name);
  }
  if (value.is_list()) {
    return among(kListMethods, name);
  }
  return value.is_dict() ? among(kDictMethods, name) : nullptr;
}

}  // namespace nibble::text::jinja
