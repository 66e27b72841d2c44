#include "profile/thermal.h"

#include <gtest/gtest.h>

#include "energy/recorded.h"

namespace nibble::profile {
namespace {

TEST(Thermal, ReadsClocksTheHottestSensorAndEvents) {
  const nibble::testing::TempFolder root;
  const std::filesystem::path cpus = root / "sys/devices/system/cpu";
  put(cpus / "cpu0/cpufreq/scaling_cur_freq", "3000000\n");
  put(cpus / "cpu1/cpufreq/scaling_cur_freq", "2000000\n");
  put(cpus / "cpufreq/policy0/scaling_cur_freq", "1\n");
  put(cpus / "cpu0/thermal_throttle/core_throttle_count", "3\n");
  put(cpus / "cpu1/thermal_throttle/package_throttle_count", "4\n");
  put(root / "sys/class/hwmon/hwmon0/name", "nvme\n");
  put(root / "sys/class/hwmon/hwmon0/temp1_input", "99000\n");
  put(root / "sys/class/hwmon/hwmon1/name", "k10temp\n");
  put(root / "sys/class/hwmon/hwmon1/temp1_input", "51000\n");
  put(root / "sys/class/hwmon/hwmon1/temp3_input", "63500\n");
  put(root / "sys/class/hwmon/hwmon1/temp3_label", "Tccd1\n");
  const Thermal thermal = read_thermal(root.path());
  EXPECT_EQ(thermal.clock_mhz, 2500);
  EXPECT_EQ(thermal.celsius, 63.5);
  EXPECT_EQ(thermal.n_throttled, 7U);
}

TEST(Thermal, ZonesWhereNoProcessorHasAMonitor) {
  const nibble::testing::TempFolder root;
  put(root / "sys/class/thermal/thermal_zone0/temp", "47200\n");
  EXPECT_EQ(read_thermal(root.path()).celsius, 47.2);
}

TEST(Thermal, WhatIsNotToldIsMissing) {
  const nibble::testing::TempFolder root;
  const Thermal thermal = read_thermal(root.path());
  EXPECT_FALSE(thermal.clock_mhz);
  EXPECT_FALSE(thermal.celsius);
  EXPECT_FALSE(thermal.n_throttled);
}

}  // namespace
}  // namespace nibble::profile
