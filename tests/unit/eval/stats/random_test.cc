#include "eval/stats/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

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

TEST(Random, AResampleHasAsManyIndicesAsThereAreSamples) {
  Random random(1);
  Random pairs(1);
  std::vector<std::uint32_t> indices;
  for_resample(5, random, [&](std::uint32_t index) { indices.push_back(index); });
  ASSERT_EQ(indices.size(), 5U);
  for (std::size_t i = 0; i < 5; i += 2) {
    EXPECT_EQ(indices[i], pairs.pair_below(5)[0]);
  }
}

TEST(Random, AShuffleKeepsTheValuesAndHasEveryOrder) {
  Random random(1);
  std::array<int, 6> counts{};
  for (int i = 0; i < 6'000; ++i) {
    std::vector<int> values = {0, 1, 2};
    shuffle(values, random);
    ++counts[static_cast<std::size_t>(values[0] * 2 + (values[1] > values[2] ? 1 : 0))];
    std::ranges::sort(values);
    ASSERT_EQ(values, (std::vector{0, 1, 2}));
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 1'000, 140);  // 4.8 standard deviations
  }
}

}  // namespace
}  // namespace nibble::eval::stats
