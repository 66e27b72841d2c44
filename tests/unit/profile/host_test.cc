#include "profile/host.h"

#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble::profile {
namespace {

TEST(Host, FieldsOfProcFiles) {
  const std::string_view text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nempty:\n";
  EXPECT_EQ(field_of(text, "model name"), "AMD EPYC");
  EXPECT_EQ(field_of(text, "model"), "17");
  EXPECT_EQ(field_of(text, "empty"), "");
  EXPECT_EQ(field_of(text, "absent"), "");
}

void put(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  testing::write_file(path, text);
}

TEST(Host, ReadsWhatTheSystemTells) {
  const testing::TempFolder root;
  put(root / "proc/cpuinfo", "processor\t: 0\nmodel name\t: Cortex-A76\n");
  put(root / "proc/meminfo", "MemTotal:       8000 kB\nMemFree:        10 kB\n");
  put(root / "proc/loadavg", "1.25 0.50 0.10 1/200 3000\n");
  put(root / "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  put(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  const Host host = read_host(root.path());
  EXPECT_EQ(host.processor, "Cortex-A76");
  EXPECT_EQ(host.total_memory, std::size_t{8000} * 1024);
  EXPECT_EQ(host.load, 1.25);
  EXPECT_EQ(host.huge_pages, "madvise");
  EXPECT_EQ(host.governor, "powersave");
}

TEST(Host, WhatIsNotToldIsMissingAndNotZero) {
  const testing::TempFolder root;
  const Host host = read_host(root.path());
  EXPECT_EQ(host.processor, "unknown");
  EXPECT_EQ(host.total_memory, std::nullopt);
  EXPECT_EQ(host.load, std::nullopt);
  EXPECT_EQ(host.huge_pages, "");
  EXPECT_EQ(host.governor, "");
}

TEST(Host, ThisMachineHasProcessorsAndASystem) {
  const Host host = read_host();
  EXPECT_GE(host.n_processors, 1U);
  EXPECT_NE(host.system.find(' '), std::string::npos);
}

}  // namespace
}  // namespace nibble::profile
