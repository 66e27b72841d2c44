/// The values that templates compute with: Python's, as far as templates can tell.
///
///   undefined   a name or member that is not there; remembers which
///   text, whole numbers (64 bits), numbers (float64), true, false, none
///   lists and dictionaries (keys are texts, in order of insertion), immutable and shared; a tuple
///   is a list
///   namespaces and macros, which live as long as the rendering that made them
///
/// Precision  whole numbers beyond 64 bits are refused
/// Errors     Error(kInvalidArgument) for an operation that Python would refuse, and for lists in
///            lists deeper than kMaxDepth
/// Source     Jinja 3.1 over Python 3.11
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace nibble::text::jinja {

class Value;
using List = std::vector<Value>;
using Entry = std::pair<std::string, Value>;
struct MacroNode;

/// Lists nested deeper are refused, so that nothing that walks a value can exhaust the stack.
inline constexpr int kMaxDepth = 128;

struct Undefined {
  std::string name;  ///< "message.name": what was looked for
};
struct None {};
struct Dict {
  std::vector<Entry> entries;
  int depth = 1;
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
};
struct Sequence {
  List items;
  int depth = 1;
};

class Value {
 public:
  Value() : data_(None{}) {}
  Value(Undefined value) : data_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Value(bool value) : data_(value) {}                      // NOLINT(google-explicit-constructor)
  Value(std::int64_t value) : data_(value) {}              // NOLINT(google-explicit-constructor)
  Value(double value) : data_(value) {}                    // NOLINT(google-explicit-constructor)
  Value(std::string value) : data_(std::move(value)) {}    // NOLINT(google-explicit-constructor)
  Value(const char* value) : data_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Value(List items);                                       // NOLINT(google-explicit-constructor)
  Value(std::vector<Entry> entries);                       // NOLINT(google-explicit-constructor)
  Value(Dict* names) : data_(names) {}                     // NOLINT(google-explicit-constructor)
  Value(const MacroNode* macro) : data_(macro) {}          // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool is_undefined() const noexcept { return get<Undefined>() != nullptr; }
  [[nodiscard]] bool is_none() const noexcept { return get<None>() != nullptr; }
  [[nodiscard]] bool is_text() const noexcept { return get<std::string>() != nullptr; }
  [[nodiscard]] bool is_list() const noexcept { return list() != nullptr; }
  [[nodiscard]] bool is_dict() const noexcept { return dict() != nullptr; }
  /// A whole number or a truth value, which counts as 0 or 1.
  [[nodiscard]] std::optional<std::int64_t> as_whole() const noexcept;
  [[nodiscard]] std::optional<double> as_number() const noexcept;

  /// nullptr where the value is of another kind.
  template <class T>
  [[nodiscard]] const T* get() const noexcept {
    return std::get_if<T>(&data_);
  }
  [[nodiscard]] const List* list() const noexcept;
  [[nodiscard]] const Dict* dict() const noexcept;
  [[nodiscard]] Dict* names() const noexcept;
  /// Of lists and dictionaries, how far they nest; 0 for others.
  [[nodiscard]] int depth() const noexcept;

  /// The text of a text value; an error that says what was wanted for another kind.
  [[nodiscard]] const std::string& text(std::string_view wanted_for) const;

 private:
  std::variant<Undefined,
               None,
               bool,
               std::int64_t,
               double,
               std::string,
               std::shared_ptr<const Sequence>,
               std::shared_ptr<const Dict>,
               Dict*,
               const MacroNode*>
      data_;
};

/// "a text", "a list", …: for messages.
std::string_view kind_name(const Value& value) noexcept;
bool is_true(const Value& value) noexcept;
bool are_equal(const Value& a, const Value& b) noexcept;
/// Below zero, zero, above zero, as Python orders texts, numbers and lists.
int compare(const Value& a, const Value& b);
/// Python's str(value).
std::string to_text(const Value& value);
/// Python's repr(value): what a list shows of its elements.
std::string to_repr(const Value& value);
/// Python's str(float).
std::string number_text(double value);

}  // namespace nibble::text::jinja
