#include "profile/energy/rapl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recorded.h"

namespace nibble::profile {
namespace {

using ::testing::HasSubstr;

TEST(Rapl, TakesPackagesAndMemoryAndNothingTwice) {
  const nibble::testing::TempFolder root;
  put_rapl(root.path());
  auto sensors = rapl_sensors(root.path()).take();
  ASSERT_EQ(sensors.size(), 3U);
  EXPECT_EQ(sensors[0]->info().name, "rapl package-0");
  EXPECT_EQ(sensors[1]->info().name, "rapl intel-rapl:0:1 dram");
  EXPECT_EQ(sensors[2]->info().name, "rapl package-1");
  EXPECT_DOUBLE_EQ(*sensors[2]->read()->joules, 3);
  EXPECT_NEAR(sensors[0]->info().wrap_joules, 262143.32885, 1e-9);
  EXPECT_EQ(sensors[0]->info().method, "counter");
}

TEST(Rapl, ACounterThatWrapsEarlyIsReadMoreOften) {
  const nibble::testing::TempFolder root;
  put_rapl(root.path());
  put(root / "sys/class/powercap/intel-rapl:0/max_energy_range_uj", "65532610\n");
  auto sensors = rapl_sensors(root.path()).take();
  EXPECT_LT(sensors[0]->info().period_seconds, 0.04);
  EXPECT_EQ(sensors[2]->info().period_seconds, 30);
}

TEST(Rapl, NoPackageSaysWhereItWasLookedFor) {
  const nibble::testing::TempFolder root;
  const auto found = rapl_sensors(root.path());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(found.failure().message, HasSubstr("sys/class/powercap"));
}

TEST(Rapl, ACounterThatCannotBeReadIsAReasonAndNoZero) {
  const nibble::testing::TempFolder root;
  put_rapl(root.path());
  std::filesystem::remove(root / "sys/class/powercap/intel-rapl:1/energy_uj");
  const auto found = rapl_sensors(root.path());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.failure().code, ErrorCode::kIo);
  EXPECT_THAT(found.failure().message, HasSubstr("intel-rapl:1/energy_uj"));
  put(root / "sys/class/powercap/intel-rapl:1/energy_uj", "much\n");
  EXPECT_THAT(rapl_sensors(root.path()).failure().message, HasSubstr("'much', wanted a number"));
}

}  // namespace
}  // namespace nibble::profile
