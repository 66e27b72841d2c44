#include "profile/host.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/thread_pool.h"
#include "profile/energy/sysfs.h"
#include "profile/peak_memory.h"

namespace nibble::profile {
namespace {

/// These files report no size, so they are read to their end.
std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The word in brackets: "always [madvise] never".
std::string chosen(const std::string& text) {
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']', open);
  return open == std::string::npos || close == std::string::npos
             ? ""
             : text.substr(open + 1, close - open - 1);
}

std::string system_text() {
  utsname name{};
  return ::uname(&name) == 0 ? fmt::format("{} {} {}", name.sysname, name.release, name.machine)
                             : "unknown";
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

Host read_host(const std::filesystem::path& root) {
  Host host;
  host.processor = field_of(read_all(root / "proc/cpuinfo"), "model name");
  if (host.processor.empty()) {
    host.processor = "unknown";
  }
  host.n_processors = usable_processors();
  host.system = system_text();
  host.total_memory = parse_status_line(read_all(root / "proc/meminfo"), "MemTotal");
  host.load = number_in(root / "proc/loadavg");
  host.huge_pages = chosen(read_all(root / "sys/kernel/mm/transparent_hugepage/enabled"));
  host.governor = read_word(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  return host;
}

}  // namespace nibble::profile
