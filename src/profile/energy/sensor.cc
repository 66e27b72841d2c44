#include "profile/energy/sensor.h"

#include <charconv>

#include "profile/energy/ina3221.h"
#include "profile/energy/nvml.h"
#include "profile/energy/rapl.h"

namespace nibble::profile {
namespace {

/// The sensors of one kind, or why there are none.
void take(SensorSearch& search, Result<Sensors> found) {
  if (!found) {
    search.absent.push_back(found.failure().message);
    return;
  }
  for (auto& sensor : *found) {
    search.sensors.push_back(std::move(sensor));
  }
}

}  // namespace

std::optional<unsigned> cuda_number(std::string_view device) {
  constexpr std::string_view kCuda = "cuda:";
  if (!device.starts_with(kCuda)) {
    return std::nullopt;
  }
  device.remove_prefix(kCuda.size());
  unsigned number = 0;
  const auto [end, error] = std::from_chars(device.data(), device.data() + device.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

SensorSearch find_sensors(const std::string& device, const std::filesystem::path& root) {
  SensorSearch search;
  if (const auto number = cuda_number(device)) {
    take(search, nvml_sensors(load_nvml(), *number));
  } else {
    take(search, rapl_sensors(root));
  }
  if (search.sensors.empty()) {
    take(search, ina3221_sensors(root));
  }
  return search;
}

}  // namespace nibble::profile
