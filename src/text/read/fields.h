/// Typed reading of a JSON object whose failures name the key: "normalizer.pattern: missing".
///
/// T is std::string, bool, float or std::int32_t (TokenId).
///
/// Threads    borrows the object
/// Errors     Error(kCorruptData) for a missing key or another type; Error(kUnsupported) for a key
///            that nothing reads
/// Source     our own
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace nibble::text {

class Fields {
 public:
  /// `path` heads the names in messages; "" for the top.
  Fields(const Json& object, std::string path);

  /// nullopt where the key is absent or null.
  template <class T>
  [[nodiscard]] std::optional<T> optional(std::string_view key) const;
  template <class T>
  [[nodiscard]] T required(std::string_view key) const;
  /// Empty where the key is absent or null.
  template <class T>
  [[nodiscard]] std::vector<T> list(std::string_view key) const;

  /// nullptr where the key is absent or null.
  [[nodiscard]] const Json* find(std::string_view key) const;
  [[nodiscard]] const Json& require(std::string_view key) const;
  /// The objects of a list of objects.
  [[nodiscard]] std::vector<Fields> objects(std::string_view key) const;
  [[nodiscard]] Fields object(std::string_view key) const;

  /// "path.key", or "key" at the top.
  [[nodiscard]] std::string name(std::string_view key) const;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const Json& json() const noexcept { return *object_; }

  /// Throws kUnsupported for any key that is not in `known`.
  void only(std::initializer_list<std::string_view> known) const;

 private:
  const Json* object_;
  std::string path_;
};

}  // namespace nibble::text
