#include "profile/energy/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

namespace nibble::profile {
namespace {

constexpr double kMilli = 1e-3;
/// nvmlClockType_t and nvmlTemperatureSensors_t
constexpr int kClockSm = 1;
constexpr int kTemperatureGpu = 0;
/// nvmlClocksThrottleReasons that are no rest and no wish of the user: power brake, hardware and
/// software slowdown by power or heat
constexpr unsigned long long kThrottled = 0x4ULL | 0x8ULL | 0x20ULL | 0x40ULL | 0x80ULL;

template <class F>
void find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(::dlsym(library, name));
}

Failure failed(const NvmlApi& api, std::string_view what, int status) {
  const char* const text = api.error_text != nullptr ? api.error_text(status) : "unknown error";
  return fail(ErrorCode::kDevice, "nvml: {}: {} ({})", what, text, status);
}

Result<NvmlApi::Device> device_of(const NvmlApi& api, unsigned number) {
  NvmlApi::Device device = nullptr;
  const int status = api.device_by_index(number, &device);
  if (status != NvmlApi::kSuccess) {
    return failed(api, fmt::format("GPU {}", number), status);
  }
  return device;
}

class NvmlSensor final : public EnergySensor {
 public:
  NvmlSensor(std::shared_ptr<const NvmlApi> api, NvmlApi::Device device, SensorInfo info)
      : api_(std::move(api)), device_(device), info_(std::move(info)) {}
  [[nodiscard]] const SensorInfo& info() const noexcept override { return info_; }
  Result<Reading> read() override {
    if (info_.method == "counter") {
      unsigned long long millijoules = 0;
      const int status = api_->total_energy(device_, &millijoules);
      if (status != NvmlApi::kSuccess) {
        return failed(*api_, info_.name, status);
      }
      return Reading{static_cast<double>(millijoules) * kMilli, {}};
    }
    unsigned milliwatts = 0;
    const int status = api_->power(device_, &milliwatts);
    if (status != NvmlApi::kSuccess) {
      return failed(*api_, info_.name, status);
    }
    return Reading{{}, milliwatts * kMilli};
  }

 private:
  std::shared_ptr<const NvmlApi> api_;
  NvmlApi::Device device_;
  SensorInfo info_;
};

std::string name_of(const NvmlApi& api, NvmlApi::Device device) {
  std::array<char, 96> text{};
  const bool is_known =
      api.name != nullptr && api.name(device, text.data(), text.size() - 1) == NvmlApi::kSuccess;
  return is_known ? text.data() : "GPU";
}

}  // namespace

Result<std::shared_ptr<const NvmlApi>> load_nvml() {
  static const Result<std::shared_ptr<const NvmlApi>> loaded =
      []() -> Result<std::shared_ptr<const NvmlApi>> {
    void* const library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      return fail(ErrorCode::kNotFound, "nvml: no libnvidia-ml.so.1 on this machine");
    }
    int (*init)() = nullptr;
    auto api = std::make_shared<NvmlApi>();
    find(library, "nvmlInit_v2", init);
    find(library, "nvmlDeviceGetHandleByIndex_v2", api->device_by_index);
    find(library, "nvmlDeviceGetName", api->name);
    find(library, "nvmlDeviceGetTotalEnergyConsumption", api->total_energy);
    find(library, "nvmlDeviceGetPowerUsage", api->power);
    find(library, "nvmlDeviceGetTemperature", api->temperature);
    find(library, "nvmlDeviceGetClockInfo", api->clock);
    find(library, "nvmlDeviceGetCurrentClocksThrottleReasons", api->throttle_reasons);
    find(library, "nvmlErrorString", api->error_text);
    if (init == nullptr || api->device_by_index == nullptr) {
      return fail(ErrorCode::kNotFound, "nvml: libnvidia-ml.so.1 lacks nvmlInit_v2");
    }
    if (const int status = init(); status != NvmlApi::kSuccess) {
      return failed(*api, "start", status);
    }
    return std::shared_ptr<const NvmlApi>(std::move(api));
  }();
  return loaded;
}

Result<Sensors> nvml_sensors(const Result<std::shared_ptr<const NvmlApi>>& api, unsigned number) {
  if (!api) {
    return api.failure();
  }
  const auto device = device_of(**api, number);
  if (!device) {
    return device.failure();
  }
  unsigned long long millijoules = 0;
  const bool has_counter = (*api)->total_energy != nullptr &&
                           (*api)->total_energy(*device, &millijoules) == NvmlApi::kSuccess;
  if (!has_counter && (*api)->power == nullptr) {
    return fail(ErrorCode::kNotFound, "nvml: GPU {} tells neither energy nor power", number);
  }
  SensorInfo info{fmt::format("nvml {} {}", number, name_of(**api, *device)),
                  "whole board",
                  has_counter ? "counter" : "power, sampled",
                  0,
                  1,
                  has_counter ? 30 : 0.05};
  Sensors sensors;
  sensors.push_back(std::make_unique<NvmlSensor>(*api, *device, std::move(info)));
  if (const auto reading = sensors.front()->read(); !reading) {
    return reading.failure();
  }
  return sensors;
}

Thermal nvml_thermal(const Result<std::shared_ptr<const NvmlApi>>& api, unsigned number) {
  Thermal out;
  if (!api) {
    return out;
  }
  const auto device = device_of(**api, number);
  if (!device) {
    return out;
  }
  unsigned value = 0;
  if ((*api)->clock != nullptr && (*api)->clock(*device, kClockSm, &value) == NvmlApi::kSuccess) {
    out.clock_mhz = value;
  }
  if ((*api)->temperature != nullptr &&
      (*api)->temperature(*device, kTemperatureGpu, &value) == NvmlApi::kSuccess) {
    out.celsius = value;
  }
  unsigned long long bits = 0;
  if ((*api)->throttle_reasons != nullptr &&
      (*api)->throttle_reasons(*device, &bits) == NvmlApi::kSuccess) {
    out.n_throttled = (bits & kThrottled) != 0 ? 1 : 0;
  }
  return out;
}

}  // namespace nibble::profile
