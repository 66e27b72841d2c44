/// Energy of processor packages and their memory by RAPL, from the kernel's powercap files.
///
///   /sys/class/powercap/intel-rapl:N/           a package: name "package-N"
///   /sys/class/powercap/intel-rapl:N:M/         parts of it: "core", "uncore", "dram"
///   energy_uj, max_energy_range_uj              microjoules, and where the counter wraps
///
/// Packages and "dram" are taken: cores and uncore are inside a package, "psys" holds everything
/// once more. AMD's processors show their packages through the same files.
///
/// Errors     kNotFound where there is no domain; kIo where the files may not be read (since 2020
///            only by root)
/// Source     Linux Documentation/power/powercap; CVE-2020-8694 for the permission
#pragma once

#include <filesystem>

#include "profile/energy/sensor.h"

namespace nibble::profile {

Result<Sensors> rapl_sensors(const std::filesystem::path& root = "/");

}  // namespace nibble::profile
