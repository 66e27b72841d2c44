/// A score as commands show it: one that is not finite (no samples, or too few for an interval) is
/// "–" to people and null in JSON.
///
/// Errors     none
/// Source     our own
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/json.h"

namespace nibble::app {

inline std::string score_text(double value) {
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : "–";
}

inline Json score_json(double value) {
  return or_null(std::optional(value));
}

}  // namespace nibble::app
