#include "study/conditions.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"

namespace nibble::study {
namespace {

std::string shown(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto found = values.find(key);
  return found != values.end() ? fmt::format("'{}'", found->second) : "nothing";
}

}  // namespace

void check_conditions(std::span<const store::Condition> stored,
                      std::span<const store::Condition> wanted,
                      const std::filesystem::path& store) {
  if (stored.empty()) {
    return;
  }
  std::map<std::string, std::string> before;
  std::map<std::string, std::string> now;
  std::map<std::string, bool> keys;
  for (const auto& [list, values] : {std::pair(stored, &before), std::pair(wanted, &now)}) {
    for (const store::Condition& row : list) {
      if (row.binding) {
        (*values)[row.key] = row.value;
        keys[row.key] = true;
      }
    }
  }
  std::string differences;
  for (const auto& [key, unused] : keys) {
    if (shown(before, key) != shown(now, key)) {
      differences +=
          fmt::format("\n  {}: stored {}, now {}", key, shown(before, key), shown(now, key));
    }
  }
  if (!differences.empty()) {
    raise(ErrorCode::kMismatch,
          "{}: the store belongs to another study; name another output folder. What differs:{}",
          store.string(),
          differences);
  }
}

}  // namespace nibble::study
