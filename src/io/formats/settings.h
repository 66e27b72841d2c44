/// Reads the keys of a `quantization_config`.
///
/// Errors     throws Error: kCorruptData "quantization_config: 'bits': …" for a key of another type
/// Source     our own
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace nibble::io {

/// null counts as absent.
std::int64_t int_setting(const Json& settings, std::string_view key);
std::int64_t int_setting_or(const Json& settings, std::string_view key, std::int64_t fallback);
std::string text_setting_or(const Json& settings, std::string_view key, std::string_view fallback);
bool flag_setting_or(const Json& settings, std::string_view key, bool fallback);

}  // namespace nibble::io
