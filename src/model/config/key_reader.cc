#include "model/config/key_reader.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace nibble::model {
namespace {

/// The value for a message; long ones end in "…".
std::string shown(const Json& value) {
  constexpr std::size_t kLongest = 60;
  std::string text = value.is_structured() ? std::string(value.type_name()) : dump_json(value);
  if (text.size() > kLongest) {
    text.resize(kLongest);
    text += "…";
  }
  return text;
}

}  // namespace

KeyReader::KeyReader(const Json& object, std::string where, std::string prefix)
    : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {}

const Json* KeyReader::find(std::string_view key) const {
  if (!object_.is_object()) {
    return nullptr;
  }
  const auto found = object_.find(prefix_ + std::string(key));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void KeyReader::reject(ErrorCode code, std::string_view key, std::string_view reason) {
  if (!failure_) {
    failure_ = fail(code, "{}: '{}{}': {}", where_, prefix_, key, reason);
  }
}

void KeyReader::adopt(const Failure& why) {
  if (!failure_) {
    failure_ = why;
  }
}

std::size_t KeyReader::size(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) {
    reject(ErrorCode::kCorruptData, key, "missing, wanted a positive integer");
    return 1;
  }
  if (!value->is_number_integer() || *value < 1 || *value > kMaxSize) {
    reject(ErrorCode::kCorruptData,
           key,
           fmt::format("wanted an integer from 1 to {}, found {}", kMaxSize, shown(*value)));
    return 1;
  }
  return value->get<std::size_t>();
}

std::size_t KeyReader::size_or(std::string_view key, std::size_t fallback) {
  return find(key) == nullptr ? fallback : size(key);
}

float KeyReader::number(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) {
    reject(ErrorCode::kCorruptData, key, "missing, wanted a number");
    return 1.0F;
  }
  const float number = value->is_number() ? value->get<float>() : std::nanf("");
  if (!std::isfinite(number)) {
    reject(ErrorCode::kCorruptData, key, fmt::format("wanted a number, found {}", shown(*value)));
    return 1.0F;
  }
  return number;
}

float KeyReader::number_or(std::string_view key, float fallback) {
  return find(key) == nullptr ? fallback : number(key);
}

bool KeyReader::flag_or(std::string_view key, bool fallback) {
  const Json* value = find(key);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_boolean()) {
    reject(
        ErrorCode::kCorruptData, key, fmt::format("wanted true or false, found {}", shown(*value)));
    return fallback;
  }
  return value->get<bool>();
}

std::string KeyReader::text_or(std::string_view key, std::string_view fallback) {
  const Json* value = find(key);
  if (value == nullptr) {
    return std::string(fallback);
  }
  if (!value->is_string()) {
    reject(ErrorCode::kCorruptData, key, fmt::format("wanted a text, found {}", shown(*value)));
    return std::string(fallback);
  }
  return value->get<std::string>();
}

}  // namespace nibble::model
