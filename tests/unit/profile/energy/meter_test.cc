#include "profile/energy/meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "fake_sensor.h"

namespace nibble::profile {
namespace {

using ::testing::HasSubstr;

void rest(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

TEST(Meter, AddsUpWhatAllSensorsSaw) {
  EnergyMeter meter(fake_sensors(std::make_unique<FakeSensor>(30, true),
                                 std::make_unique<FakeSensor>(12, false)));
  EXPECT_TRUE(meter.has_sensors());
  EXPECT_THAT(meter.describe(), HasSubstr("fake (nothing, counter) + fake (nothing, power"));
  meter.start();
  rest(60);
  const Energy energy = meter.stop();
  EXPECT_EQ(energy.failure, "");
  EXPECT_GE(energy.seconds, 0.06);
  EXPECT_NEAR(energy.watts(), 42, 2);
  EXPECT_GT(energy.n_readings, 6U);  // power is sampled in between
}

TEST(Meter, CanBeUsedAgainFromZero) {
  EnergyMeter meter(fake_sensors(std::make_unique<FakeSensor>(10, true)));
  meter.start();
  rest(40);
  meter.stop();
  meter.start();
  const Energy energy = meter.stop();
  EXPECT_LT(energy.seconds, 0.03);
}

TEST(Meter, ASensorThatFailsInBetweenSaysSo) {
  EnergyMeter meter(fake_sensors(std::make_unique<FakeSensor>(10, true, 2)));
  meter.start();
  rest(20);
  EXPECT_EQ(meter.stop().failure, "fake: gone");
}

TEST(Meter, WithoutSensorsThereIsNothing) {
  EnergyMeter meter(Sensors{});
  EXPECT_FALSE(meter.has_sensors());
  meter.start();
  EXPECT_EQ(meter.stop().n_readings, 0U);
}

}  // namespace
}  // namespace nibble::profile
