#include "profile/peak_memory.h"

#include <malloc.h>

#include <charconv>
#include <fstream>
#include <sstream>

#include "base/checked_math.h"

namespace nibble::profile {

bool reset_peak_memory() {
  ::malloc_trim(0);
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

std::optional<std::size_t> peak_memory_bytes() {
  std::ifstream file("/proc/self/status");
  std::ostringstream text;
  text << file.rdbuf();
  return parse_status_line(text.str(), "VmHWM");
}

std::optional<std::size_t> parse_status_line(std::string_view status, std::string_view key) {
  constexpr std::size_t kKilobyte = 1024;
  for (std::size_t at = 0; at < status.size();) {
    const std::size_t end = std::min(status.find('\n', at), status.size());
    std::string_view line = status.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) {
      continue;
    }
    const std::size_t digit = line.find_first_of("0123456789");
    std::size_t kilobytes = 0;
    if (digit == std::string_view::npos || !line.ends_with(" kB") ||
        std::from_chars(line.data() + digit, line.data() + line.size(), kilobytes).ec !=
            std::errc()) {
      return std::nullopt;
    }
    return checked_mul(kilobytes, kKilobyte);
  }
  return std::nullopt;
}

}  // namespace nibble::profile
