/// Clocks, temperature and throttling, read before and after a measurement: what tells whether a
/// machine ran as fast at its end as at its beginning.
///
///   /sys/devices/system/cpu/cpuN/cpufreq/scaling_cur_freq            kHz
///   /sys/class/hwmon/hwmonN (coretemp, k10temp, cpu_thermal)         millidegrees
///   /sys/class/thermal/thermal_zoneN/temp                            where no such monitor is
///   /sys/devices/system/cpu/cpuN/thermal_throttle/*_throttle_count   events since the start
///
/// Errors     none: what cannot be read is nullopt
/// Source     Linux Documentation: cpufreq, hwmon, thermal sysfs
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace nibble::profile {

struct Thermal {
  std::optional<double> clock_mhz;         ///< mean over the processors
  std::optional<double> celsius;           ///< of the hottest sensor
  std::optional<std::size_t> n_throttled;  ///< events; of a GPU 1 while its clock is held down
};

Thermal read_thermal(const std::filesystem::path& root = "/");

}  // namespace nibble::profile
