/// A sensor that counts a fixed power over the steady clock, or fails after so many readings.
#pragma once

#include <chrono>

#include "profile/energy/sensor.h"

namespace nibble::profile {

class FakeSensor final : public EnergySensor {
 public:
  FakeSensor(double watts, bool is_counter, std::size_t fails_after = 1U << 30U)
      : watts_(watts), is_counter_(is_counter), fails_after_(fails_after) {
    info_ = {"fake", "nothing", is_counter ? "counter" : "power, sampled", 0, 0.02, 0.002};
  }
  [[nodiscard]] const SensorInfo& info() const noexcept override { return info_; }
  Result<Reading> read() override {
    if (n_readings_++ >= fails_after_) {
      return fail(ErrorCode::kIo, "fake: gone");
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    return is_counter_ ? Reading{watts_ * seconds, {}} : Reading{{}, watts_};
  }

 private:
  using Clock = std::chrono::steady_clock;
  double watts_;
  bool is_counter_;
  std::size_t fails_after_;
  std::size_t n_readings_ = 0;
  SensorInfo info_;
  Clock::time_point begin_ = Clock::now();
};

inline Sensors fake_sensors(std::unique_ptr<EnergySensor> one,
                            std::unique_ptr<EnergySensor> two = nullptr) {
  Sensors sensors;
  sensors.push_back(std::move(one));
  if (two != nullptr) {
    sensors.push_back(std::move(two));
  }
  return sensors;
}

}  // namespace nibble::profile
