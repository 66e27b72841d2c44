#include "quant/kv/fit_levels.h"

#include <gmock/gmock.h>

#include <cmath>

namespace nibble::quant {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;

TEST(LevelFit, FindsFourHeaps) {
  LevelFit fit;
  for (const double x : {-0.9, -0.8, -0.2, 0.1, 0.11, 0.7, 0.9}) {
    fit.add(x, 1.0);
  }
  EXPECT_THAT(fit.levels(2),
              ElementsAre(FloatEq(-0.85F), FloatEq(-0.2F), FloatEq(0.105F), FloatEq(0.8F)));
}

TEST(LevelFit, HeavyNumbersHaveLevelsOfTheirOwn) {
  LevelFit fit;
  for (const double x : {0.0, 0.5, 0.6, 0.7, 0.8}) {
    fit.add(x, x == 0.7 ? 1000.0 : 1.0);
  }
  EXPECT_THAT(fit.levels(2),
              ElementsAre(FloatEq(0.0F), FloatEq(0.55F), FloatNear(0.7F, 1e-6F), FloatEq(0.8F)));
}

TEST(LevelFit, EvenWithoutNumbersAndEqualWhereThereAreFew) {
  LevelFit fit;
  EXPECT_THAT(fit.levels(2), ElementsAre(-0.75F, -0.25F, 0.25F, 0.75F));
  fit.add(0.5, 2.0);
  EXPECT_THAT(fit.levels(3), ::testing::Contains(FloatEq(0.5F)));
  const auto levels = fit.levels(3);
  EXPECT_TRUE(std::ranges::is_sorted(levels));
}

TEST(LevelFit, UniformNumbersGiveEvenLevels) {
  LevelFit fit;
  for (int i = 0; i < 20000; ++i) {
    fit.add((2.0 * i + 1.0) / 20000.0 - 1.0, 1.0);
  }
  const auto levels = fit.levels(4);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(levels[i], (2.0 * static_cast<double>(i) + 1.0) / 16.0 - 1.0, 2e-3);
  }
}

}  // namespace
}  // namespace nibble::quant
