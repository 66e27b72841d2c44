#include "model/memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace nibble::model {
namespace {

namespace fs = std::filesystem;

/// These files report no size, so they are read line by line.
std::optional<std::string> read_line(const fs::path& path, std::string_view prefix = "") {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(prefix)) {
      return line.substr(prefix.size());
    }
  }
  return std::nullopt;
}

/// The first number of a line such as "   24157384 kB"; "max" has none.
std::optional<std::size_t> number_in(const std::optional<std::string>& line) {
  if (!line) {
    return std::nullopt;
  }
  const std::size_t first = line->find_first_of("0123456789");
  std::size_t value = 0;
  if (first == std::string::npos ||
      std::from_chars(line->data() + first, line->data() + line->size(), value).ec != std::errc{}) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::size_t> smaller(std::optional<std::size_t> a, std::optional<std::size_t> b) {
  return a && b ? std::min(a, b) : a ? a : b;
}

struct GroupFiles {
  std::string_view limit, usage, cache;  ///< `cache`: its line in memory.stat
};

/// What is left in one group; pages of files count as used there, though the kernel drops them when
/// memory is needed.
std::optional<std::size_t> left_in_group(const fs::path& folder, const GroupFiles& files) {
  const auto limit = number_in(read_line(folder / files.limit));
  const auto usage = number_in(read_line(folder / files.usage));
  if (!limit || !usage) {
    return std::nullopt;
  }
  const std::size_t cache = number_in(read_line(folder / "memory.stat", files.cache)).value_or(0);
  const std::size_t held = *usage - std::min(*usage, cache);
  return *limit - std::min(*limit, held);
}

/// The least that is left in the group of this process and in all groups above it.
std::optional<std::size_t> left_in_groups(const fs::path& mount,
                                          std::string_view group,
                                          const GroupFiles& files) {
  std::optional<std::size_t> least;
  fs::path relative = fs::path(group).relative_path();
  while (true) {
    least = smaller(least, left_in_group(mount / relative, files));
    if (relative.empty()) {
      return least;
    }
    relative = relative.parent_path();
  }
}

double gibibytes(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0 * 1024.0);
}

}  // namespace

std::optional<std::size_t> available_memory(const fs::path& root) {
  std::optional<std::size_t> least;
  if (const auto kib = number_in(read_line(root / "proc/meminfo", "MemAvailable:"))) {
    least = *kib * 1024;
  }
  const fs::path groups = root / "proc/self/cgroup";
  const fs::path mount = root / "sys/fs/cgroup";
  if (const auto group = read_line(groups, "0::")) {
    constexpr GroupFiles kVersion2 = {"memory.max", "memory.current", "inactive_file "};
    least = smaller(least, left_in_groups(mount, *group, kVersion2));
  }
  constexpr GroupFiles kVersion1 = {
      "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};
  return smaller(least, left_in_group(mount / "memory", kVersion1));
}

Result<void> require_memory(std::string_view what,
                            std::size_t n_bytes,
                            std::optional<std::size_t> n_available) {
  if (!n_available || n_bytes <= *n_available) {
    return {};
  }
  return fail(ErrorCode::kOutOfMemory,
              "{} needs {:.1f} GiB of memory, {:.1f} GiB are free",
              what,
              gibibytes(n_bytes),
              gibibytes(*n_available));
}

}  // namespace nibble::model
