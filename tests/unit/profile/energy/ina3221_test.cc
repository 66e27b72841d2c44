#include "profile/energy/ina3221.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recorded.h"

namespace nibble::profile {
namespace {

using ::testing::HasSubstr;

TEST(Ina3221, TheWholeModuleWhereARailIsCalledSo) {
  const nibble::testing::TempFolder root;
  put_ina3221(root.path(), "VDD_IN\n");
  auto sensors = ina3221_sensors(root.path()).take();
  ASSERT_EQ(sensors.size(), 1U);
  EXPECT_EQ(sensors[0]->info().name, "ina3221 VDD_IN");
  EXPECT_EQ(sensors[0]->info().covers, "whole module");
  EXPECT_NEAR(*sensors[0]->read()->watts, 5.080 * 1.200, 1e-12);
}

TEST(Ina3221, ElseAllRailsAreAddedUp) {
  const nibble::testing::TempFolder root;
  put_ina3221(root.path(), "GPU\n");
  auto sensors = ina3221_sensors(root.path()).take();
  EXPECT_EQ(sensors[0]->info().covers, "sum of its rails");
  EXPECT_NEAR(*sensors[0]->read()->watts, 5.080 * 1.2 + 5.072 * 0.4 + 5.064 * 0.3, 1e-12);
}

TEST(Ina3221, RailsThatAreNotConnectedAreLeftOut) {
  const nibble::testing::TempFolder root;
  put_ina3221(root.path(), "NC\n");
  auto sensors = ina3221_sensors(root.path()).take();
  EXPECT_EQ(sensors[0]->info().name, "ina3221 VDD_CPU_GPU_CV + VDD_SOC");
}

TEST(Ina3221, NoneAndUnreadableSaySo) {
  const nibble::testing::TempFolder root;
  EXPECT_THAT(ina3221_sensors(root.path()).failure().message, HasSubstr("sys/class/hwmon"));
  put_ina3221(root.path(), "VDD_IN\n");
  put(root / "sys/class/hwmon/hwmon1/curr1_input", "");
  EXPECT_THAT(ina3221_sensors(root.path()).failure().message, HasSubstr("curr1_input"));
}

}  // namespace
}  // namespace nibble::profile
