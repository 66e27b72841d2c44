#include "model/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble::model {
namespace {

namespace fs = std::filesystem;
using nibble::testing::TempFolder;
using nibble::testing::write_file;

constexpr std::size_t kMebi = std::size_t{1} << 20;

void write_meminfo(const TempFolder& root, std::string_view kib) {
  fs::create_directories(root / "proc/self");
  write_file(root / "proc/meminfo",
             "MemTotal: 999 kB\nMemAvailable:   " + std::string(kib) + " kB\n");
}

void write_group(const fs::path& folder,
                 std::string_view max,
                 std::string_view current,
                 std::string_view stat) {
  fs::create_directories(folder);
  write_file(folder / "memory.max", max);
  write_file(folder / "memory.current", current);
  write_file(folder / "memory.stat", stat);
}

TEST(Memory, IsWhatTheKernelCallsAvailable) {
  const TempFolder root;
  write_meminfo(root, "2048");
  EXPECT_EQ(available_memory(root.path()), 2 * kMebi);
}

TEST(Memory, IsBoundByTheControlGroupAndTheGroupsAboveIt) {
  const TempFolder root;
  write_meminfo(root, "1048576");
  write_file(root / "proc/self/cgroup", "0::/outer/inner\n");
  const fs::path groups = root / "sys/fs/cgroup";
  write_group(groups / "outer/inner", "max\n", "1000\n", "");
  // 8 MiB limit, 6 used, of which 1 is file cache that can be dropped: 3 are left.
  write_group(groups / "outer", "8388608\n", "6291456\n", "anon 5\ninactive_file 1048576\n");
  EXPECT_EQ(available_memory(root.path()), 3 * kMebi);
}

TEST(Memory, AGroupOverItsLimitHasNothingLeft) {
  const TempFolder root;
  write_meminfo(root, "1048576");
  write_file(root / "proc/self/cgroup", "0::/\n");
  write_group(root / "sys/fs/cgroup", "1000\n", "2000\n", "");
  EXPECT_EQ(available_memory(root.path()), 0U);
}

TEST(Memory, ReadsVersion1Groups) {
  const TempFolder root;
  write_meminfo(root, "1048576");
  const fs::path group = root / "sys/fs/cgroup/memory";
  fs::create_directories(group);
  write_file(group / "memory.limit_in_bytes", "4194304\n");
  write_file(group / "memory.usage_in_bytes", "1048576\n");
  EXPECT_EQ(available_memory(root.path()), 3 * kMebi);
}

TEST(Memory, IsUnknownWhereNothingSaysIt) {
  const TempFolder root;
  EXPECT_EQ(available_memory(root.path()), std::nullopt);
}

TEST(Memory, RequirementNamesBothSizes) {
  EXPECT_TRUE(require_memory("m.gguf", 5, 5));
  EXPECT_TRUE(require_memory("m.gguf", 5, std::nullopt));
  const auto refused = require_memory("m.gguf", 13 * 1024 * kMebi + 512 * kMebi, 7 * 1024 * kMebi);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.failure().code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(refused.failure().message, "m.gguf needs 13.5 GiB of memory, 7.0 GiB are free");
}

}  // namespace
}  // namespace nibble::model
