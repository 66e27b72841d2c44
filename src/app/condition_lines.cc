#include "app/condition_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace nibble::app {
namespace {

std::string shown(const std::string& value) {
  return value.empty() ? "not stated" : fmt::format("'{}'", value);
}

Json stated(const std::string& value) {
  return value.empty() ? Json() : Json(value);
}

}  // namespace

bool conditions_differ(std::span<const study::ConditionDifference> differences) {
  return std::ranges::any_of(differences,
                             [](const study::ConditionDifference& row) { return !row.is_subject; });
}

std::string condition_lines(std::span<const study::ConditionDifference> differences,
                            bool subjects) {
  std::string out;
  for (const study::ConditionDifference& row : differences) {
    if (subjects || !row.is_subject) {
      out += fmt::format("{}{}: {} and {}\n",
                         row.is_subject ? "(judged) " : "",
                         row.key,
                         shown(row.a),
                         shown(row.b));
    }
  }
  return out;
}

Json conditions_json(std::span<const study::ConditionDifference> differences) {
  Json out = Json::array();
  for (const study::ConditionDifference& row : differences) {
    out.push_back({{"key", row.key},
                   {"a", stated(row.a)},
                   {"b", stated(row.b)},
                   {"what_is_judged", row.is_subject}});
  }
  return out;
}

}  // namespace nibble::app
