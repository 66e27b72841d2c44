#include "text/read/fields.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace nibble::text {
namespace {

bool fits_int32(const Json& value) {
  constexpr auto kMin = std::numeric_limits<std::int32_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int32_t>::max();
  return value.is_number_unsigned()
             ? value.get<std::uint64_t>() <= std::uint64_t{kMax}
             : value.get<std::int64_t>() >= kMin && value.get<std::int64_t>() <= kMax;
}

template <class T>
std::optional<T> convert(const Json& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return value.is_string() ? std::optional(value.get_ref<const std::string&>()) : std::nullopt;
  } else if constexpr (std::is_same_v<T, bool>) {
    return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
  } else if constexpr (std::is_same_v<T, float>) {
    return value.is_number() ? std::optional(static_cast<float>(value.get<double>()))
                             : std::nullopt;
  } else {
    return value.is_number_integer() && fits_int32(value) ? std::optional(value.get<T>())
                                                          : std::nullopt;
  }
}

template <class T>
constexpr std::string_view kTypeName = "a 32-bit integer";
template <>
constexpr std::string_view kTypeName<std::string> = "a text";
template <>
constexpr std::string_view kTypeName<bool> = "true or false";
template <>
constexpr std::string_view kTypeName<float> = "a number";

}  // namespace

Fields::Fields(const Json& object, std::string path) : object_(&object), path_(std::move(path)) {
  if (!object.is_object()) {
    raise(ErrorCode::kCorruptData, "{}: expected an object", path_.empty() ? "document" : path_);
  }
}

std::string Fields::name(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Json* Fields::find(std::string_view key) const {
  const auto at = object_->find(key);
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

const Json& Fields::require(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    raise(ErrorCode::kCorruptData, "{}: missing", name(key));
  }
  return *value;
}

template <class T>
std::optional<T> Fields::optional(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  auto converted = convert<T>(*value);
  if (!converted) {
    raise(ErrorCode::kCorruptData, "{}: expected {}", name(key), kTypeName<T>);
  }
  return converted;
}

template <class T>
T Fields::required(std::string_view key) const {
  static_cast<void>(require(key));
  return *optional<T>(key);
}

template <class T>
std::vector<T> Fields::list(std::string_view key) const {
  std::vector<T> out;
  const Json* value = find(key);
  if (value == nullptr) {
    return out;
  }
  if (!value->is_array()) {
    raise(ErrorCode::kCorruptData, "{}: expected a list", name(key));
  }
  out.reserve(value->size());
  for (const Json& item : *value) {
    auto converted = convert<T>(item);
    if (!converted) {
      raise(ErrorCode::kCorruptData, "{}[{}]: expected {}", name(key), out.size(), kTypeName<T>);
    }
    out.push_back(std::move(*converted));
  }
  return out;
}

std::vector<Fields> Fields::objects(std::string_view key) const {
  std::vector<Fields> out;
  const Json* value = find(key);
  if (value != nullptr && !value->is_array()) {
    raise(ErrorCode::kCorruptData, "{}: expected a list", name(key));
  }
  for (std::size_t i = 0; value != nullptr && i < value->size(); ++i) {
    out.emplace_back((*value)[i], fmt::format("{}[{}]", name(key), i));
  }
  return out;
}

Fields Fields::object(std::string_view key) const {
  return {require(key), name(key)};
}

void Fields::only(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, value] : object_->items()) {
    if (std::ranges::find(known, key) == known.end()) {
      raise(ErrorCode::kUnsupported, "{}: not handled", name(key));
    }
  }
}

template std::optional<std::string> Fields::optional(std::string_view) const;
template std::optional<bool> Fields::optional(std::string_view) const;
template std::optional<float> Fields::optional(std::string_view) const;
template std::optional<std::int32_t> Fields::optional(std::string_view) const;
template std::string Fields::required(std::string_view) const;
template bool Fields::required(std::string_view) const;
template float Fields::required(std::string_view) const;
template std::int32_t Fields::required(std::string_view) const;
template std::vector<std::string> Fields::list(std::string_view) const;
template std::vector<float> Fields::list(std::string_view) const;
template std::vector<std::int32_t> Fields::list(std::string_view) const;

}  // namespace nibble::text
