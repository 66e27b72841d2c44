#include "profile/limits.h"

#include <gtest/gtest.h>

namespace nibble::profile {
namespace {

TEST(Limits, EveryProbeOfEverySetIsMeasuredForOneAndForAllThreads) {
  ThreadPool pool(2);
  for (const kernels::KernelSet& set : kernels::usable_kernel_sets()) {
    const auto limits = measure_limits(set, pool, {2, std::size_t{4} << 20});
    ASSERT_EQ(limits.size(), 2 * (set.probes->peaks.size() + 1)) << set.name;
    EXPECT_EQ(limits.front().n_threads, 1U);
    EXPECT_EQ(limits.back().n_threads, 2U);
    EXPECT_EQ(limits.back().name, "memory read");
    for (const Limit& limit : limits) {
      ASSERT_EQ(limit.values.size(), 2U) << limit.name;
      EXPECT_GT(limit.values.front(), 0.0) << limit.name;
    }
  }
}

TEST(Limits, OneThreadIsMeasuredOnce) {
  ThreadPool pool(1);
  const kernels::KernelSet& set = kernels::kernel_set("generic");
  EXPECT_EQ(measure_limits(set, pool, {1, std::size_t{1} << 20}).size(),
            set.probes->peaks.size() + 1);
}

}  // namespace
}  // namespace nibble::profile
