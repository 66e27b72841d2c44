#include "profile/thermal.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "profile/energy/sysfs.h"

namespace nibble::profile {
namespace {

namespace fs = std::filesystem;

constexpr double kMilli = 1e-3;

/// cpu0, cpu1, …; not cpufreq and cpuidle.
std::vector<fs::path> processors(const fs::path& root) {
  std::vector<fs::path> out = entries(root / "sys/devices/system/cpu", "cpu");
  std::erase_if(out, [](const fs::path& path) {
    const std::string name = path.filename().string();
    return name.size() < 4 || std::isdigit(static_cast<unsigned char>(name[3])) == 0;
  });
  return out;
}

std::optional<double> mean_clock(const fs::path& root) {
  double sum = 0;
  int n = 0;
  for (const fs::path& cpu : processors(root)) {
    if (const auto khz = number_in(cpu / "cpufreq/scaling_cur_freq")) {
      sum += *khz * kMilli;
      ++n;
    }
  }
  return n > 0 ? std::optional(sum / n) : std::nullopt;
}

void raise_to(std::optional<double>& most, std::optional<double> value) {
  if (value) {
    most = std::max(most.value_or(*value), *value);
  }
}

std::optional<double> hottest(const fs::path& root) {
  constexpr std::array kProcessorMonitors{"coretemp", "k10temp", "zenpower", "cpu_thermal"};
  std::optional<double> most;
  for (const fs::path& monitor : entries(root / "sys/class/hwmon", "hwmon")) {
    const std::string name = read_word(monitor / "name");
    if (std::ranges::find(kProcessorMonitors, name) == kProcessorMonitors.end()) {
      continue;
    }
    for (const fs::path& file : entries(monitor, "temp")) {
      if (file.filename().string().ends_with("_input")) {
        raise_to(most, number_in(file));
      }
    }
  }
  if (!most) {
    for (const fs::path& zone : entries(root / "sys/class/thermal", "thermal_zone")) {
      raise_to(most, number_in(zone / "temp"));
    }
  }
  return most ? std::optional(*most * kMilli) : std::nullopt;
}

std::optional<std::size_t> throttle_events(const fs::path& root) {
  std::optional<std::size_t> sum;
  for (const fs::path& cpu : processors(root)) {
    for (const char* const file : {"core_throttle_count", "package_throttle_count"}) {
      if (const auto n = number_in(cpu / "thermal_throttle" / file)) {
        sum = sum.value_or(0) + static_cast<std::size_t>(*n);
      }
    }
  }
  return sum;
}

}  // namespace

Thermal read_thermal(const fs::path& root) {
  return {mean_clock(root), hottest(root), throttle_events(root)};
}

}  // namespace nibble::profile
