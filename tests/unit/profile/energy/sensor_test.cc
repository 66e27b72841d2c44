#include "profile/energy/sensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recorded.h"

namespace nibble::profile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FindSensors, RaplBeforeTheBoard) {
  const nibble::testing::TempFolder root;
  put_ina3221(root.path(), "VDD_IN\n");
  const SensorSearch board = find_sensors("cpu", root.path());
  ASSERT_EQ(board.sensors.size(), 1U);
  EXPECT_EQ(board.sensors[0]->info().name, "ina3221 VDD_IN");
  EXPECT_THAT(board.absent, ElementsAre(HasSubstr("rapl: no package")));
  put_rapl(root.path());
  EXPECT_EQ(find_sensors("cpu", root.path()).sensors.size(), 3U);
}

TEST(FindSensors, NothingHasAReasonForEachKind) {
  const nibble::testing::TempFolder root;
  const SensorSearch none = find_sensors("cpu", root.path());
  EXPECT_TRUE(none.sensors.empty());
  EXPECT_THAT(none.absent, ElementsAre(HasSubstr("rapl"), HasSubstr("ina3221")));
}

TEST(CudaNumber, OfDevices) {
  EXPECT_EQ(cuda_number("cuda:3"), 3U);
  EXPECT_FALSE(cuda_number("cpu"));
  EXPECT_FALSE(cuda_number("cuda:"));
}

}  // namespace
}  // namespace nibble::profile
