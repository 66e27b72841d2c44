#include "profile/energy/measure_energy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fake_sensor.h"
#include "support/files.h"

namespace nibble::profile {
namespace {

using ::testing::HasSubstr;

const Measurement& row_of(const std::vector<Measurement>& rows, std::string_view name) {
  return *std::ranges::find(rows, name, &Measurement::name);
}

class MeasureEnergyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
    loaded_ =
        model::load_model(path, {Arithmetic::kNative, false}, pool_, silent_progress()).take();
    options_.prompt_tokens = 4;
    options_.new_tokens = 8;
    options_.energy_seconds = 0.05;
  }
  ThreadPool pool_{1};
  model::LoadedModel loaded_;
  Options options_;
};

TEST_F(MeasureEnergyTest, ATokenCostsItsShareOfAConstantPower) {
  EnergyMeter meter(fake_sensors(std::make_unique<FakeSensor>(100, true)));
  const Measurement idle{"idle_power", "W", {40}, ""};
  const auto rows = measure_energy(loaded_, options_, meter, idle);
  const double gross = row_of(rows, "decode_energy").values.at(0);
  const double net = row_of(rows, "decode_energy_net").values.at(0);
  EXPECT_GT(row_of(rows, "prefill_energy").values.at(0), 0);
  EXPECT_GT(row_of(rows, "request_energy").values.at(0), 8 * gross);
  // At 100 W of which 40 are rest, 60 of 100 joules are the work's.
  EXPECT_NEAR(net / gross, 0.6, 0.1);
}

TEST_F(MeasureEnergyTest, WithoutASensorThereIsAReasonAndNoZero) {
  EnergyMeter meter(Sensors{});
  const Measurement idle = measure_idle(meter, 1);
  EXPECT_EQ(idle.reason, "no energy sensor on this machine");
  EXPECT_TRUE(idle.values.empty());
  for (const Measurement& row : measure_energy(loaded_, options_, meter, idle)) {
    EXPECT_TRUE(row.values.empty()) << row.name;
    EXPECT_EQ(row.reason, "no energy sensor on this machine") << row.name;
  }
}

TEST_F(MeasureEnergyTest, ASensorThatGoesAwayLeavesNoNumber) {
  EnergyMeter meter(fake_sensors(std::make_unique<FakeSensor>(100, true, 3)));
  const auto rows = measure_energy(loaded_, options_, meter, {"idle_power", "W", {40}, ""});
  EXPECT_TRUE(row_of(rows, "decode_energy").values.empty());
  EXPECT_EQ(row_of(rows, "decode_energy").reason, "fake: gone");
}

TEST(MeasureIdle, IsThePowerOfARest) {
  EnergyMeter meter(fake_sensors(std::make_unique<FakeSensor>(25, true)));
  EXPECT_NEAR(measure_idle(meter, 0.06).values.at(0), 25, 1);
  EXPECT_THAT(measure_idle(meter, 0).reason, HasSubstr("idle_seconds = 0"));
}

}  // namespace
}  // namespace nibble::profile
