#include "profile/energy/rapl.h"

#include <fmt/format.h>

#include <algorithm>

#include "profile/energy/sysfs.h"

namespace nibble::profile {
namespace {

namespace fs = std::filesystem;

constexpr double kMicro = 1e-6;

class RaplSensor final : public EnergySensor {
 public:
  RaplSensor(SensorInfo info, fs::path counter)
      : info_(std::move(info)), counter_(std::move(counter)) {}
  [[nodiscard]] const SensorInfo& info() const noexcept override { return info_; }
  Result<Reading> read() override {
    const auto microjoules = read_number(counter_);
    if (!microjoules) {
      return microjoules.failure();
    }
    return Reading{*microjoules * kMicro, {}};
  }

 private:
  SensorInfo info_;
  fs::path counter_;
};

/// Half of the shortest time in which the counter can wrap, at a power that no package draws.
double period_of(double wrap_joules) {
  constexpr double kMostWatts = 1000;
  constexpr double kMostSeconds = 30;
  return wrap_joules > 0 ? std::min(kMostSeconds, wrap_joules / kMostWatts / 2) : kMostSeconds;
}

}  // namespace

Result<Sensors> rapl_sensors(const fs::path& root) {
  const fs::path powercap = root / "sys/class/powercap";
  Sensors sensors;
  for (const fs::path& zone : entries(powercap, "intel-rapl:")) {
    const std::string name = read_word(zone / "name");
    const bool is_memory = name == "dram";
    if (!name.starts_with("package") && !is_memory) {
      continue;
    }
    const double wrap = number_in(zone / "max_energy_range_uj").value_or(0) * kMicro;
    SensorInfo info{fmt::format("rapl {}", is_memory ? zone.filename().string() + " dram" : name),
                    is_memory ? "memory" : "processor package",
                    "counter",
                    wrap,
                    0.1,
                    period_of(wrap)};
    auto sensor = std::make_unique<RaplSensor>(std::move(info), zone / "energy_uj");
    if (const auto reading = sensor->read(); !reading) {
      return fail(reading.failure().code, "rapl: {}", reading.failure().message);
    }
    sensors.push_back(std::move(sensor));
  }
  if (sensors.empty()) {
    return fail(ErrorCode::kNotFound, "rapl: no package under {}", powercap.string());
  }
  return sensors;
}

}  // namespace nibble::profile
