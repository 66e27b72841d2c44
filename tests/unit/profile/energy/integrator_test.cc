#include "profile/energy/integrator.h"

#include <gtest/gtest.h>

namespace nibble::profile {
namespace {

TEST(Integrator, ACounterIsADifference) {
  Integrator sum(0);
  sum.add(10, {100.0, {}});
  sum.add(11, {107.5, {}});
  sum.add(13, {120.0, {}});
  EXPECT_DOUBLE_EQ(sum.joules(), 20);
  EXPECT_DOUBLE_EQ(sum.seconds(), 3);
  EXPECT_EQ(sum.n_readings(), 3U);
}

TEST(Integrator, ACounterThatWrapsGoesOn) {
  Integrator sum(1000);
  sum.add(0, {990.0, {}});
  sum.add(1, {15.0, {}});
  sum.add(2, {20.0, {}});
  EXPECT_DOUBLE_EQ(sum.joules(), 30);
  EXPECT_EQ(sum.n_resets(), 0U);
}

TEST(Integrator, ACounterThatFallsWithoutWrappingIsAReset) {
  Integrator sum(0);
  sum.add(0, {990.0, {}});
  sum.add(1, {15.0, {}});
  sum.add(2, {20.0, {}});
  EXPECT_DOUBLE_EQ(sum.joules(), 5);
  EXPECT_EQ(sum.n_resets(), 1U);
}

TEST(Integrator, PowerIsIntegratedByTrapezoids) {
  Integrator sum(0);
  sum.add(0, {{}, 10.0});
  sum.add(2, {{}, 20.0});
  sum.add(3, {{}, 20.0});
  EXPECT_DOUBLE_EQ(sum.joules(), 50);
  EXPECT_DOUBLE_EQ(sum.seconds(), 3);
}

TEST(Integrator, OneReadingIsNoEnergy) {
  Integrator sum(0);
  sum.add(5, {42.0, {}});
  EXPECT_DOUBLE_EQ(sum.joules(), 0);
  EXPECT_DOUBLE_EQ(sum.seconds(), 0);
}

}  // namespace
}  // namespace nibble::profile
