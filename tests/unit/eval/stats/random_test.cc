#include "eval/stats/random.h"

#include <gtest/gtest.h>

#include <array>

namespace nibble::eval::stats {
namespace {

TEST(Random, SameSeedSameNumbers) {
  Random a(7);
  Random b(7);
  Random c(8);
  const std::uint64_t first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
}

TEST(Random, IndicesAreBelowNAndEven) {
  Random random(1);
  std::array<int, 5> counts{};
  for (int i = 0; i < 50'000; ++i) {
    for (const std::uint32_t index : random.pair_below(5)) {
      ASSERT_LT(index, 5U);
      ++counts[index];
    }
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 20'000, 600);  // 4.7 standard deviations
  }
}

}  // namespace
}  // namespace nibble::eval::stats
