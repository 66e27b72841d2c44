#include "profile/peak_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace nibble::profile {
namespace {

TEST(PeakMemory, ReadsTheLineOfItsKey) {
  const std::string_view status = "Name:\tx\nVmHWMx:\t  9 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 7 kB\n";
  EXPECT_EQ(parse_status_line(status, "VmHWM"), std::size_t{1234} * 1024);
  EXPECT_EQ(parse_status_line(status, "VmSwap"), std::nullopt);
  EXPECT_EQ(parse_status_line("VmHWM: kB", "VmHWM"), std::nullopt);
  EXPECT_EQ(parse_status_line("VmHWM: 99999999999999999999999 kB", "VmHWM"), std::nullopt);
  EXPECT_EQ(parse_status_line("VmHWM: 18446744073709551615 kB", "VmHWM"), std::nullopt);
  EXPECT_EQ(parse_status_line("", "VmHWM"), std::nullopt);
}

TEST(PeakMemory, RisesWithUseAndFallsWithReset) {
  if (!reset_peak_memory()) {
    GTEST_SKIP() << "this kernel does not lower the mark";
  }
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const std::size_t before = peak_memory_bytes().value();
  {
    const std::vector<char> block(kBytes, 1);
    EXPECT_GE(peak_memory_bytes().value(), before + kBytes / 2);
    EXPECT_EQ(block.back(), 1);
  }
  ASSERT_TRUE(reset_peak_memory());
  EXPECT_LT(peak_memory_bytes().value(), before + kBytes / 2);
}

}  // namespace
}  // namespace nibble::profile
