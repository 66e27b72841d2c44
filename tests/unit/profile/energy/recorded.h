/// Folders as /sys shows them, made of what was recorded.
#pragma once

#include <filesystem>
#include <string_view>

#include "support/files.h"

namespace nibble::profile {

inline void put(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  nibble::testing::write_file(path, text);
}

/// Two packages, a core and a memory domain, and psys, which holds all of them once more.
inline void put_rapl(const std::filesystem::path& root) {
  const std::filesystem::path powercap = root / "sys/class/powercap";
  const auto zone = [&](std::string_view folder, std::string_view name, std::string_view energy) {
    put(powercap / folder / "name", name);
    put(powercap / folder / "energy_uj", energy);
    put(powercap / folder / "max_energy_range_uj", "262143328850\n");
  };
  zone("intel-rapl:0", "package-0\n", "1000000\n");
  zone("intel-rapl:0:0", "core\n", "700000\n");
  zone("intel-rapl:0:1", "dram\n", "200000\n");
  zone("intel-rapl:1", "package-1\n", "3000000\n");
  zone("intel-rapl:2", "psys\n", "9000000\n");
}

/// The monitor of a Jetson Orin Nano: three rails, the first of the whole module.
inline void put_ina3221(const std::filesystem::path& root, std::string_view first_label) {
  const std::filesystem::path hwmon = root / "sys/class/hwmon";
  put(hwmon / "hwmon0/name", "nvme\n");
  const std::filesystem::path monitor = hwmon / "hwmon1";
  put(monitor / "name", "ina3221\n");
  put(monitor / "in1_label", first_label);
  put(monitor / "in1_input", "5080\n");
  put(monitor / "curr1_input", "1200\n");
  put(monitor / "in2_label", "VDD_CPU_GPU_CV\n");
  put(monitor / "in2_input", "5072\n");
  put(monitor / "curr2_input", "400\n");
  put(monitor / "in3_label", "VDD_SOC\n");
  put(monitor / "in3_input", "5064\n");
  put(monitor / "curr3_input", "300\n");
}

}  // namespace nibble::profile
