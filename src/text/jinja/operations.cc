#include "text/jinja/operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"

namespace nibble::text::jinja {
namespace {

constexpr std::size_t kMaxListItems = 1U << 20;

[[noreturn]] void refuse(std::string_view operation, const Value& a, const Value& b) {
  raise(ErrorCode::kInvalidArgument,
        "{} does not go with {} and {}",
        operation,
        kind_name(a),
        kind_name(b));
}

/// `a` and `b` joined by one of the compiler's checked operations.
template <class Operation>
std::int64_t checked(Operation operation, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (operation(a, b, &out)) {
    raise(ErrorCode::kInvalidArgument, "a whole number of more than 64 bits");
  }
  return out;
}
std::int64_t sum_of(std::int64_t a, std::int64_t b) {
  return checked([](auto x, auto y, auto* out) { return __builtin_add_overflow(x, y, out); }, a, b);
}
std::int64_t difference(std::int64_t a, std::int64_t b) {
  return checked([](auto x, auto y, auto* out) { return __builtin_sub_overflow(x, y, out); }, a, b);
}
std::int64_t product(std::int64_t a, std::int64_t b) {
  return checked([](auto x, auto y, auto* out) { return __builtin_mul_overflow(x, y, out); }, a, b);
}

Value repeated(const Value& value, std::int64_t count, const Runtime& runtime) {
  const auto n = static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
  if (const auto* text = value.get<std::string>()) {
    if (!text->empty() && n > runtime.limits().max_bytes / text->size()) {
      runtime.check_bytes(runtime.limits().max_bytes + 1);
    }
    std::string out;
    for (std::size_t i = 0; i < n; ++i) {
      out += *text;
    }
    return out;
  }
  const List& items = *value.list();
  if (!items.empty() && n > kMaxListItems / items.size()) {
    raise(ErrorCode::kInvalidArgument, "a list of more than {} elements", kMaxListItems);
  }
  List out;
  for (std::size_t i = 0; i < n; ++i) {
    out.insert(out.end(), items.begin(), items.end());
  }
  return out;
}

Value add(const Value& a, const Value& b, const Runtime& runtime) {
  if (a.is_text() && b.is_text()) {
    const std::string& x = *a.get<std::string>();
    const std::string& y = *b.get<std::string>();
    runtime.check_bytes(x.size() + y.size());
    return x + y;
  }
  if (a.is_list() && b.is_list()) {
    if (a.list()->size() + b.list()->size() > kMaxListItems) {
      raise(ErrorCode::kInvalidArgument, "a list of more than {} elements", kMaxListItems);
    }
    List out = *a.list();
    out.insert(out.end(), b.list()->begin(), b.list()->end());
    return out;
  }
  refuse("+", a, b);
}

Value of_wholes(BinaryOperator operation, std::int64_t a, std::int64_t b) {
  switch (operation) {
    case BinaryOperator::kAdd:
      return sum_of(a, b);
    case BinaryOperator::kSubtract:
      return difference(a, b);
    case BinaryOperator::kMultiply:
      return product(a, b);
    default:
      break;
  }
  if (b == 0) {
    raise(ErrorCode::kInvalidArgument, "a division by zero");
  }
  if (b == -1) {  // the one quotient that may not fit
    return operation == BinaryOperator::kModulo ? Value(std::int64_t{0}) : Value(difference(0, a));
  }
  const std::int64_t remainder = a % b;
  const bool rounds_down = remainder != 0 && (remainder < 0) != (b < 0);
  return operation == BinaryOperator::kModulo ? Value(rounds_down ? remainder + b : remainder)
                                              : Value(a / b - (rounds_down ? 1 : 0));
}

Value of_numbers(BinaryOperator operation, double a, double b) {
  const bool divides = operation == BinaryOperator::kDivide ||
                       operation == BinaryOperator::kFloorDivide ||
                       operation == BinaryOperator::kModulo;
  if (divides && b == 0) {
    raise(ErrorCode::kInvalidArgument, "a division by zero");
  }
  switch (operation) {
    case BinaryOperator::kAdd:
      return a + b;
    case BinaryOperator::kSubtract:
      return a - b;
    case BinaryOperator::kMultiply:
      return a * b;
    case BinaryOperator::kDivide:
      return a / b;
    case BinaryOperator::kFloorDivide:
      return std::floor(a / b);
    case BinaryOperator::kModulo:
      return a - b * std::floor(a / b);
    default:
      return std::pow(a, b);
  }
}

Value power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  }
  if (base == 0 || base == 1 || base == -1) {
    return exponent == 0 ? std::int64_t{1}
                         : (base == -1 && exponent % 2 == 0 ? std::int64_t{1} : base);
  }
  std::int64_t out = 1;
  for (std::int64_t i = 0; i < exponent; ++i) {  // ends by overflow after 63 rounds at most
    out = product(out, base);
  }
  return out;
}

std::optional<std::int64_t> repeat_count(const Value& sequence, const Value& count) {
  return sequence.is_text() || sequence.is_list() ? count.as_whole() : std::nullopt;
}

/// The position that a Python index means; nullopt outside.
std::optional<std::size_t> position(const Value& index, std::size_t size) {
  const auto whole = index.as_whole();
  if (!whole) {
    return std::nullopt;
  }
  const std::int64_t at = *whole < 0 ? *whole + static_cast<std::int64_t>(size) : *whole;
  return at >= 0 && at < static_cast<std::int64_t>(size)
             ? std::optional(static_cast<std::size_t>(at))
             : std::nullopt;
}

/// Positions of a slice of `size` elements, in order.
std::vector<std::size_t> slice_positions(const SliceBounds& bounds, std::size_t size) {
  const std::int64_t step = bounds.step.value_or(1);
  if (step == 0) {
    raise(ErrorCode::kInvalidArgument, "a slice with step 0");
  }
  const auto n = static_cast<std::int64_t>(size);
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? n : n - 1;
  const auto bound = [&](const std::optional<std::int64_t>& given, std::int64_t otherwise) {
    return given ? std::clamp(*given < 0 ? *given + n : *given, low, high) : otherwise;
  };
  const std::int64_t begin = bound(bounds.begin, step > 0 ? low : high);
  const std::int64_t end = bound(bounds.end, step > 0 ? high : low);
  std::vector<std::size_t> out;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
    out.push_back(static_cast<std::size_t>(i));
    if (step > n || step < -n) {
      break;
    }
  }
  return out;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20
                   ? fmt::format("\\u{:04x}", static_cast<unsigned char>(c))
                   : std::string(1, c);
    }
  }
  return out + "\"";
}

class JsonWriter {
 public:
  JsonWriter(std::optional<std::size_t> indent, const Runtime& runtime)
      : indent_(indent), runtime_(runtime) {}

  std::string take() { return std::move(out_); }

  void write(const Value& value, std::size_t level) {
    runtime_.check_bytes(out_.size());
    if (const List* list = value.list()) {
      write_all('[', ']', *list, level, [&](const Value& item) { write(item, level + 1); });
    } else if (const Dict* dict = value.dict()) {
      write_all('{', '}', dict->entries, level, [&](const Entry& entry) {
        out_ += json_text(entry.first) + ": ";
        write(entry.second, level + 1);
      });
    } else {
      out_ += scalar(value);
    }
  }

 private:
  static std::string scalar(const Value& value) {
    if (const auto* text = value.get<std::string>()) {
      return json_text(*text);
    }
    if (const auto* truth = value.get<bool>()) {
      return *truth ? "true" : "false";
    }
    if (const auto* number = value.get<double>(); number != nullptr && !std::isfinite(*number)) {
      return std::isnan(*number) ? "NaN" : (*number < 0 ? "-Infinity" : "Infinity");
    }
    if (value.as_number()) {
      return to_text(value);
    }
    if (!value.is_none()) {
      raise(ErrorCode::kInvalidArgument, "tojson cannot write {}", kind_name(value));
    }
    return "null";
  }

  void break_line(std::size_t level) {
    if (indent_) {
      runtime_.check_bytes(out_.size() + *indent_ * level);
      out_ += '\n';
      out_.append(*indent_ * level, ' ');
    }
  }

  template <class Items, class WriteOne>
  void write_all(char open, char close, const Items& items, std::size_t level, WriteOne write_one) {
    out_ += open;
    bool is_first = true;
    for (const auto& item : items) {
      out_ += is_first ? "" : (indent_ ? "," : ", ");
      is_first = false;
      break_line(level + 1);
      write_one(item);
    }
    if (!is_first) {
      break_line(level);
    }
    out_ += close;
  }

  std::optional<std::size_t> indent_;
  const Runtime& runtime_;
  std::string out_;
};

}  // namespace

Value apply(BinaryOperator operation, const Value& a, const Value& b, Runtime& runtime) {
  runtime.usable(a);
  runtime.usable(b);
  if (operation == BinaryOperator::kJoin) {
    std::string left = to_text(a);
    const std::string right = to_text(b);
    runtime.check_bytes(left.size() + right.size());
    return left + right;
  }
  if (operation == BinaryOperator::kMultiply) {
    if (const auto count = repeat_count(a, b)) {
      return repeated(a, *count, runtime);
    }
    if (const auto count = repeat_count(b, a)) {
      return repeated(b, *count, runtime);
    }
  }
  const auto x = a.as_whole();
  const auto y = b.as_whole();
  if (x && y && operation == BinaryOperator::kPower) {
    return power(*x, *y);
  }
  if (x && y && operation != BinaryOperator::kDivide) {
    return of_wholes(operation, *x, *y);
  }
  const auto p = a.as_number();
  const auto q = b.as_number();
  if (p && q) {
    return of_numbers(operation, *p, *q);
  }
  if (operation == BinaryOperator::kAdd) {
    return add(a, b, runtime);
  }
  static constexpr std::string_view kNames[] = {"+", "-", "*", "/", "//", "%", "**", "~"};
  refuse(kNames[static_cast<std::size_t>(operation)], a, b);
}

Value negated(const Value& value) {
  if (const auto whole = value.as_whole()) {
    return difference(0, *whole);
  }
  if (const auto number = value.as_number()) {
    return -*number;
  }
  raise(ErrorCode::kInvalidArgument, "- does not go with {}", kind_name(value));
}

bool contains(const Value& haystack, const Value& needle) {
  if (const auto* text = haystack.get<std::string>()) {
    return text->find(needle.text("'in' before a text")) != std::string::npos;
  }
  if (const List* list = haystack.list()) {
    return std::ranges::any_of(*list, [&](const Value& one) { return are_equal(one, needle); });
  }
  const Dict* dict = haystack.dict() != nullptr ? haystack.dict() : haystack.names();
  if (dict == nullptr) {
    raise(ErrorCode::kInvalidArgument, "'in' does not go with {}", kind_name(haystack));
  }
  return needle.is_text() && dict->find(*needle.get<std::string>()) != nullptr;
}

Value member(const Value& object, std::string_view name) {
  if (object.is_undefined()) {
    raise(ErrorCode::kInvalidArgument,
          "'{}' is undefined, so it has no '{}'",
          object.get<Undefined>()->name,
          name);
  }
  const Dict* dict = object.dict() != nullptr ? object.dict() : object.names();
  const Value* found = dict == nullptr ? nullptr : dict->find(name);
  return found != nullptr ? *found : Value(Undefined{std::string(name)});
}

Value element(const Value& object, const Value& index) {
  if (const auto* key = index.get<std::string>()) {
    return member(object, *key);
  }
  if (object.is_undefined()) {
    return member(object, to_text(index));
  }
  if (const List* list = object.list()) {
    const auto at = position(index, list->size());
    return at ? (*list)[*at] : Value(Undefined{fmt::format("element {}", to_text(index))});
  }
  if (const auto* text = object.get<std::string>()) {
    const std::vector<std::string_view> parts = characters(*text);
    const auto at = position(index, parts.size());
    return at ? Value(std::string(parts[*at]))
              : Value(Undefined{fmt::format("character {}", to_text(index))});
  }
  return Undefined{fmt::format("element {}", to_text(index))};
}

Value slice(const Value& object, const SliceBounds& bounds) {
  if (const List* list = object.list()) {
    List out;
    for (const std::size_t i : slice_positions(bounds, list->size())) {
      out.push_back((*list)[i]);
    }
    return out;
  }
  const std::vector<std::string_view> parts = characters(object.text("a slice"));
  std::string out;
  for (const std::size_t i : slice_positions(bounds, parts.size())) {
    out += parts[i];
  }
  return out;
}

List items_of(const Value& value, Runtime& runtime) {
  if (const List* list = value.list()) {
    return *list;
  }
  List out;
  if (const Dict* dict = value.dict()) {
    for (const Entry& entry : dict->entries) {
      out.emplace_back(entry.first);
    }
    return out;
  }
  if (const auto* text = value.get<std::string>()) {
    for (const std::string_view one : characters(*text)) {
      out.emplace_back(std::string(one));
    }
    return out;
  }
  if (runtime.usable(value).is_undefined()) {
    return out;
  }
  raise(ErrorCode::kInvalidArgument, "{} has no elements", kind_name(value));
}

std::size_t length_of(const Value& value) {
  if (const auto* text = value.get<std::string>()) {
    return utf8::length(*text);
  }
  if (const List* list = value.list()) {
    return list->size();
  }
  if (const Dict* dict = value.dict()) {
    return dict->entries.size();
  }
  if (value.is_undefined()) {
    return 0;
  }
  raise(ErrorCode::kInvalidArgument, "{} has no length", kind_name(value));
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8::decode(text, i).n_bytes;
    out.push_back(text.substr(i, n));
    i += n;
  }
  return out;
}

std::string replaced(std::string_view text,
                     std::string_view from,
                     std::string_view to,
                     std::optional<std::int64_t> at_most,
                     const Runtime& runtime) {
  std::string out;
  std::int64_t n_done = 0;
  const auto may_go_on = [&] { return !at_most || *at_most < 0 || n_done < *at_most; };
  if (from.empty()) {  // between all characters, as Python does
    for (const std::string_view one : characters(text)) {
      if (may_go_on()) {
        out += to;
        ++n_done;
      }
      out += one;
      runtime.check_bytes(out.size());
    }
    return may_go_on() ? out + std::string(to) : out;
  }
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos && may_go_on();
       at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    runtime.check_bytes(out.size());
    done = at + from.size();
    ++n_done;
  }
  return out.append(text, done);
}

std::string joined(const List& items, std::string_view separator, const Runtime& runtime) {
  std::string out;
  bool is_first = true;
  for (const Value& item : items) {
    const std::string text = to_text(runtime.usable(item));
    runtime.check_bytes(out.size() + separator.size() + text.size());
    out.append(is_first ? std::string_view() : separator).append(text);
    is_first = false;
  }
  return out;
}

std::string to_json(const Value& value, std::optional<std::size_t> indent, const Runtime& runtime) {
  JsonWriter writer(indent, runtime);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace nibble::text::jinja
