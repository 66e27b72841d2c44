#include "io/formats/settings.h"

#include <nlohmann/json.hpp>

namespace nibble::io {
namespace {

const Json* find(const Json& settings, std::string_view key) {
  const auto found = settings.find(key);
  return found == settings.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void reject(std::string_view key, std::string_view wanted, const Json* found) {
  raise(ErrorCode::kCorruptData,
        "quantization_config: '{}': wanted {}, found {}",
        key,
        wanted,
        found == nullptr ? "nothing" : dump_json(*found));
}

}  // namespace

std::int64_t int_setting(const Json& settings, std::string_view key) {
  const Json* found = find(settings, key);
  if (found == nullptr || !found->is_number_integer()) {
    reject(key, "a whole number", found);
  }
  return found->get<std::int64_t>();
}

std::int64_t int_setting_or(const Json& settings, std::string_view key, std::int64_t fallback) {
  return find(settings, key) == nullptr ? fallback : int_setting(settings, key);
}

std::string text_setting_or(const Json& settings, std::string_view key, std::string_view fallback) {
  const Json* found = find(settings, key);
  if (found == nullptr) {
    return std::string(fallback);
  }
  if (!found->is_string()) {
    reject(key, "a string", found);
  }
  return found->get<std::string>();
}

bool flag_setting_or(const Json& settings, std::string_view key, bool fallback) {
  const Json* found = find(settings, key);
  if (found == nullptr) {
    return fallback;
  }
  if (!found->is_boolean()) {
    reject(key, "true or false", found);
  }
  return found->get<bool>();
}

}  // namespace nibble::io
