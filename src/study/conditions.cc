#include "study/conditions.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "base/error.h"
#include "base/thread_pool.h"

namespace nibble::study {
namespace {

/// Files under /proc claim a size of zero, so they are read to their end.
std::string read_proc(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string memory_text() {
  const auto pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES));
  return fmt::format("{:.1f} GB", pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e9);
}

std::string system_text() {
  utsname name{};
  return ::uname(&name) == 0 ? fmt::format("{} {} {}", name.sysname, name.release, name.machine)
                             : "unknown";
}

std::string shown(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto found = values.find(key);
  return found != values.end() ? fmt::format("'{}'", found->second) : "nothing";
}

}  // namespace

std::string field_of(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !line.starts_with(key) ||
        line.find_first_not_of(" \t", key.size()) != colon) {
      continue;
    }
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string_view::npos ? "" : std::string(line.substr(value));
  }
  return "";
}

Machine describe_machine() {
  std::string processor = field_of(read_proc("/proc/cpuinfo"), "model name");
  return {processor.empty() ? "unknown" : std::move(processor),
          usable_processors(),
          memory_text(),
          system_text()};
}

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
