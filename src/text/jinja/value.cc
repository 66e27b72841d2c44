#include "text/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"

namespace nibble::text::jinja {
namespace {

int checked_depth(int deepest) {
  if (deepest >= kMaxDepth) {
    raise(ErrorCode::kInvalidArgument, "lists within lists deeper than {}", kMaxDepth);
  }
  return deepest + 1;
}

int three_way(double a, double b) {
  return a < b ? -1 : (a > b ? 1 : 0);
}

int compare_lists(const List& a, const List& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!are_equal(a[i], b[i])) {
      return compare(a[i], b[i]);
    }
  }
  return three_way(static_cast<double>(a.size()), static_cast<double>(b.size()));
}

bool are_equal_dicts(const Dict& a, const Dict& b) noexcept {
  return a.entries.size() == b.entries.size() &&
         std::ranges::all_of(a.entries, [&](const Entry& entry) {
           const Value* other = b.find(entry.first);
           return other != nullptr && are_equal(entry.second, *other);
         });
}

/// Python's repr of a text: in single quotes unless it has some and no double ones.
std::string quoted(std::string_view text) {
  const bool is_double =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = is_double ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        if (c == quote) {
          out += '\\';
          out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out += quote;
}

std::string list_repr(const List& items) {
  std::string out = "[";
  for (const Value& item : items) {
    out += (out.size() > 1 ? ", " : "") + to_repr(item);
  }
  return out + "]";
}

std::string dict_repr(const Dict& dict) {
  std::string out = "{";
  for (const auto& [key, value] : dict.entries) {
    out += (out.size() > 1 ? ", " : "") + quoted(key) + ": " + to_repr(value);
  }
  return out + "}";
}

}  // namespace

const Value* Dict::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find(entries, key, &Entry::first);
  return found == entries.end() ? nullptr : &found->second;
}

Value::Value(List items) {
  int deepest = 0;
  for (const Value& item : items) {
    deepest = std::max(deepest, item.depth());
  }
  data_ = std::make_shared<const Sequence>(Sequence{std::move(items), checked_depth(deepest)});
}

Value::Value(std::vector<Entry> entries) {
  int deepest = 0;
  for (const Entry& entry : entries) {
    deepest = std::max(deepest, entry.second.depth());
  }
  data_ = std::make_shared<const Dict>(Dict{std::move(entries), checked_depth(deepest)});
}

const List* Value::list() const noexcept {
  const auto* held = get<std::shared_ptr<const Sequence>>();
  return held == nullptr ? nullptr : &(*held)->items;
}

const Dict* Value::dict() const noexcept {
  const auto* held = get<std::shared_ptr<const Dict>>();
  return held == nullptr ? nullptr : held->get();
}

Dict* Value::names() const noexcept {
  const auto* held = get<Dict*>();
  return held == nullptr ? nullptr : *held;
}

int Value::depth() const noexcept {
  if (const auto* held = get<std::shared_ptr<const Sequence>>()) {
    return (*held)->depth;
  }
  return dict() == nullptr ? 0 : dict()->depth;
}

std::optional<std::int64_t> Value::as_whole() const noexcept {
  if (const auto* whole = get<std::int64_t>()) {
    return *whole;
  }
  if (const auto* truth = get<bool>()) {
    return *truth ? 1 : 0;
  }
  return std::nullopt;
}

std::optional<double> Value::as_number() const noexcept {
  if (const auto* number = get<double>()) {
    return *number;
  }
  const auto whole = as_whole();
  return whole ? std::optional(static_cast<double>(*whole)) : std::nullopt;
}

const std::string& Value::text(std::string_view wanted_for) const {
  const auto* held = get<std::string>();
  if (held == nullptr) {
    raise(ErrorCode::kInvalidArgument, "{} wants a text, not {}", wanted_for, kind_name(*this));
  }
  return *held;
}

std::string_view kind_name(const Value& value) noexcept {
  if (value.is_undefined()) {
    return "something undefined";
  }
  if (value.is_none()) {
    return "none";
  }
  if (value.is_text()) {
    return "a text";
  }
  if (value.is_list()) {
    return "a list";
  }
  if (value.is_dict()) {
    return "a dictionary";
  }
  if (value.as_number()) {
    return "a number";
  }
  return value.names() != nullptr ? "a namespace" : "a macro";
}

bool is_true(const Value& value) noexcept {
  if (const auto number = value.as_number()) {
    return *number != 0;
  }
  if (const auto* held = value.get<std::string>()) {
    return !held->empty();
  }
  if (const List* list = value.list()) {
    return !list->empty();
  }
  if (const Dict* dict = value.dict()) {
    return !dict->entries.empty();
  }
  return !value.is_undefined() && !value.is_none();
}

bool are_equal(const Value& a, const Value& b) noexcept {
  if (const auto x = a.as_whole(), y = b.as_whole(); x && y) {
    return *x == *y;
  }
  if (const auto x = a.as_number(), y = b.as_number(); x && y) {
    return *x == *y;
  }
  if (a.is_text() && b.is_text()) {
    return *a.get<std::string>() == *b.get<std::string>();
  }
  if (a.is_list() && b.is_list()) {
    return std::ranges::equal(*a.list(), *b.list(), are_equal);
  }
  if (a.is_dict() && b.is_dict()) {
    return are_equal_dicts(*a.dict(), *b.dict());
  }
  if (a.names() != nullptr || b.names() != nullptr) {
    return a.names() == b.names();
  }
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

int compare(const Value& a, const Value& b) {
  if (const auto x = a.as_whole(), y = b.as_whole(); x && y) {
    return *x < *y ? -1 : (*x > *y ? 1 : 0);
  }
  if (const auto x = a.as_number(), y = b.as_number(); x && y) {
    return three_way(*x, *y);
  }
  if (a.is_text() && b.is_text()) {  // bytes of UTF-8 sort as code points do
    return a.get<std::string>()->compare(*b.get<std::string>());
  }
  if (a.is_list() && b.is_list()) {
    return compare_lists(*a.list(), *b.list());
  }
  raise(ErrorCode::kInvalidArgument, "{} and {} have no order", kind_name(a), kind_name(b));
}

std::string number_text(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-inf" : "inf";
  }
  std::string out = fmt::format("{}", value);
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

std::string to_text(const Value& value) {
  if (const auto* held = value.get<std::string>()) {
    return *held;
  }
  return value.is_undefined() ? std::string() : to_repr(value);
}

std::string to_repr(const Value& value) {
  if (const auto* held = value.get<std::string>()) {
    return quoted(*held);
  }
  if (const auto* truth = value.get<bool>()) {
    return *truth ? "True" : "False";
  }
  if (const auto* whole = value.get<std::int64_t>()) {
    return fmt::format("{}", *whole);
  }
  if (const auto* number = value.get<double>()) {
    return number_text(*number);
  }
  if (const List* list = value.list()) {
    return list_repr(*list);
  }
  if (const Dict* dict = value.dict()) {
    return dict_repr(*dict);
  }
  if (value.is_undefined()) {
    return "Undefined";
  }
  return value.is_none() ? "None" : value.names() != nullptr ? "<Namespace>" : "<Macro>";
}

}  // namespace nibble::text::jinja
