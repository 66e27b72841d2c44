#include "kernels/probes.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/select.h"

namespace nibble::kernels {
namespace {

TEST(Probes, ReadDependsOnEveryByte) {
  for (const KernelSet& set : usable_kernel_sets()) {
    for (const std::size_t n : {std::size_t{1}, std::size_t{511}, std::size_t{1027}}) {
      std::vector<std::byte> bytes(n, std::byte{7});
      const std::uint64_t before = set.probes->read(bytes.data(), n);
      for (std::size_t i = 0; i < n; ++i) {
        bytes[i] = std::byte{8};
        ASSERT_NE(set.probes->read(bytes.data(), n), before) << set.name << " byte " << i;
        bytes[i] = std::byte{7};
      }
    }
  }
}

TEST(Probes, EverySetCountsItsOperations) {
  for (const KernelSet& set : usable_kernel_sets()) {
    ASSERT_FALSE(set.probes->peaks.empty()) << set.name;
    for (const PeakProbe& probe : set.probes->peaks) {
      EXPECT_GT(probe.ops_per_call, 0.0) << set.name << " " << probe.name;
      probe.run();
    }
  }
}

}  // namespace
}  // namespace nibble::kernels
