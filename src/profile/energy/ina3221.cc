#include "profile/energy/ina3221.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "profile/energy/sysfs.h"

namespace nibble::profile {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWholeModule = "VDD_IN";

struct Channel {
  std::string label;
  fs::path millivolts, milliamperes;
};

std::vector<Channel> channels_of(const fs::path& monitor) {
  std::vector<Channel> out;
  for (int k = 1; k <= 3; ++k) {
    const std::string label = read_word(monitor / fmt::format("in{}_label", k));
    const Channel channel{
        label, monitor / fmt::format("in{}_input", k), monitor / fmt::format("curr{}_input", k)};
    if (label.empty() || label == "NC" || !fs::exists(channel.milliamperes)) {
      continue;  // not connected
    }
    if (label == kWholeModule) {
      return {channel};
    }
    out.push_back(channel);
  }
  return out;
}

class Ina3221Sensor final : public EnergySensor {
 public:
  explicit Ina3221Sensor(std::vector<Channel> channels) : channels_(std::move(channels)) {
    std::vector<std::string> labels;
    for (const Channel& channel : channels_) {
      labels.push_back(channel.label);
    }
    info_.name = fmt::format("ina3221 {}", fmt::join(labels, " + "));
    info_.covers = labels.front() == kWholeModule ? "whole module" : "sum of its rails";
    info_.method = "power, sampled";
  }
  [[nodiscard]] const SensorInfo& info() const noexcept override { return info_; }
  Result<Reading> read() override {
    double watts = 0;
    for (const Channel& channel : channels_) {
      const auto millivolts = read_number(channel.millivolts);
      const auto milliamperes = read_number(channel.milliamperes);
      if (!millivolts || !milliamperes) {
        return millivolts ? milliamperes.failure() : millivolts.failure();
      }
      watts += *millivolts * *milliamperes * 1e-6;
    }
    return Reading{{}, watts};
  }

 private:
  std::vector<Channel> channels_;
  SensorInfo info_;
};

}  // namespace

Result<Sensors> ina3221_sensors(const fs::path& root) {
  const fs::path hwmon = root / "sys/class/hwmon";
  for (const fs::path& monitor : entries(hwmon, "hwmon")) {
    if (!read_word(monitor / "name").starts_with("ina3221")) {
      continue;
    }
    std::vector<Channel> channels = channels_of(monitor);
    if (channels.empty()) {
      continue;
    }
    auto sensor = std::make_unique<Ina3221Sensor>(std::move(channels));
    if (const auto reading = sensor->read(); !reading) {
      return fail(reading.failure().code, "ina3221: {}", reading.failure().message);
    }
    Sensors sensors;
    sensors.push_back(std::move(sensor));
    return sensors;
  }
  return fail(ErrorCode::kNotFound, "ina3221: none under {}", hwmon.string());
}

}  // namespace nibble::profile
