#include "kernels/select.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace nibble::kernels {
namespace {

using ::testing::HasSubstr;

TEST(Select, GenericAlwaysRunsAndEverySetIsComplete) {
  ASSERT_FALSE(usable_kernel_sets().empty());
  EXPECT_EQ(usable_kernel_sets().front().name, "generic");
  for (const KernelSet& set : usable_kernel_sets()) {
    EXPECT_NE(set.elementwise, nullptr) << set.name;
    EXPECT_NE(set.attention, nullptr) << set.name;
    ASSERT_NE(set.linear, nullptr) << set.name;
    EXPECT_EQ(set.linear->tiles.front(), 1U) << set.name;
    for (const PanelKernel& kernel : set.linear->panels) {
      ASSERT_NE(kernel.multiply, nullptr) << set.name << " " << kernel.name;
      EXPECT_NE(set.linear->pack[static_cast<std::size_t>(kernel.activation)], nullptr)
          << kernel.name;
    }
  }
}

TEST(Select, FindsASetByName) {
  for (const KernelSet& set : usable_kernel_sets()) {
    EXPECT_EQ(kernel_set(set.name).linear, set.linear);
  }
}

#if defined(__x86_64__)
TEST(Select, OfTheTwoSetsForAvx512TheFasterComesLast) {
  const auto sets = usable_kernel_sets();
  if (!sets.back().name.starts_with("avx512")) {
    GTEST_SKIP() << "this processor lacks AVX-512";
  }
  const bool is_intel = __builtin_cpu_is("intel") != 0;
  EXPECT_EQ(sets.back().name, is_intel ? "avx512fma" : "avx512");
  EXPECT_EQ(sets[sets.size() - 2].name, is_intel ? "avx512" : "avx512fma");
}
#endif

TEST(Select, UnknownNamesAreRefused) {
  try {
    kernel_set("sse9");
    FAIL() << "sse9 was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
#if defined(__aarch64__)
    EXPECT_THAT(error.what(), HasSubstr("NIBBLE_ISA=sse9: expected generic or neon"));
#else
    EXPECT_THAT(error.what(), HasSubstr("NIBBLE_ISA=sse9: expected generic, avx2, avx512"));
#endif
  }
}

}  // namespace
}  // namespace nibble::kernels
