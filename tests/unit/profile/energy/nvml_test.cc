#include "profile/energy/nvml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace nibble::profile {
namespace {

using ::testing::HasSubstr;

constexpr int kNotSupported = 3;

/// What the driver of one GPU would say; the functions of the library are plain C.
struct FakeGpu {
  unsigned long long millijoules = 12'500;
  unsigned milliwatts = 68'000;
  unsigned long long throttled = 0;
  int energy_status = 0;
};
FakeGpu gpu;

NvmlApi fake_api() {
  NvmlApi api;
  api.device_by_index = [](unsigned index, NvmlApi::Device* device) {
    *device = &gpu;
    return index == 0 ? NvmlApi::kSuccess : 6;
  };
  api.name = [](NvmlApi::Device, char* text, unsigned n) {
    std::strncpy(text, "Tesla T4", n);
    return NvmlApi::kSuccess;
  };
  api.total_energy = [](NvmlApi::Device, unsigned long long* millijoules) {
    *millijoules = gpu.millijoules;
    return gpu.energy_status;
  };
  api.power = [](NvmlApi::Device, unsigned* milliwatts) {
    *milliwatts = gpu.milliwatts;
    return NvmlApi::kSuccess;
  };
  api.temperature = [](NvmlApi::Device, int, unsigned* celsius) {
    *celsius = 61;
    return NvmlApi::kSuccess;
  };
  api.clock = [](NvmlApi::Device, int, unsigned* mhz) {
    *mhz = 1590;
    return NvmlApi::kSuccess;
  };
  api.throttle_reasons = [](NvmlApi::Device, unsigned long long* bits) {
    *bits = gpu.throttled;
    return NvmlApi::kSuccess;
  };
  api.error_text = [](int) { return "Not Found"; };
  return api;
}

class NvmlTest : public ::testing::Test {
 protected:
  NvmlTest() { gpu = FakeGpu{}; }
  static Result<std::shared_ptr<const NvmlApi>> with(const NvmlApi& api) {
    return std::make_shared<const NvmlApi>(api);
  }
};

TEST_F(NvmlTest, TheCounterWhereThereIsOne) {
  auto sensors = nvml_sensors(with(fake_api()), 0).take();
  ASSERT_EQ(sensors.size(), 1U);
  EXPECT_EQ(sensors[0]->info().name, "nvml 0 Tesla T4");
  EXPECT_EQ(sensors[0]->info().method, "counter");
  EXPECT_DOUBLE_EQ(*sensors[0]->read()->joules, 12.5);
  gpu.energy_status = 15;
  EXPECT_FALSE(sensors[0]->read());
}

TEST_F(NvmlTest, ElsePowerIsSampled) {
  gpu.energy_status = kNotSupported;
  auto sensors = nvml_sensors(with(fake_api()), 0).take();
  EXPECT_EQ(sensors[0]->info().method, "power, sampled");
  EXPECT_DOUBLE_EQ(*sensors[0]->read()->watts, 68);
  EXPECT_LE(sensors[0]->info().period_seconds, 0.1);
}

TEST_F(NvmlTest, NeitherLibraryNorGpuSaySo) {
  const auto absent = nvml_sensors(fail(ErrorCode::kNotFound, "nvml: no libnvidia-ml.so.1"), 0);
  EXPECT_THAT(absent.failure().message, HasSubstr("no libnvidia-ml.so.1"));
  const auto other = nvml_sensors(with(fake_api()), 7);
  EXPECT_EQ(other.failure().code, ErrorCode::kDevice);
  EXPECT_THAT(other.failure().message, HasSubstr("GPU 7: Not Found (6)"));
  NvmlApi blind = fake_api();
  blind.total_energy = nullptr;
  blind.power = nullptr;
  EXPECT_THAT(nvml_sensors(with(blind), 0).failure().message,
              HasSubstr("neither energy nor power"));
}

TEST_F(NvmlTest, ClocksTemperatureAndWhatHoldsThemDown) {
  Thermal thermal = nvml_thermal(with(fake_api()), 0);
  EXPECT_EQ(thermal.clock_mhz, 1590);
  EXPECT_EQ(thermal.celsius, 61);
  EXPECT_EQ(thermal.n_throttled, 0U);
  gpu.throttled = 0x1;  // idle is no throttling
  EXPECT_EQ(nvml_thermal(with(fake_api()), 0).n_throttled, 0U);
  gpu.throttled = 0x40;  // hardware, by heat
  EXPECT_EQ(nvml_thermal(with(fake_api()), 0).n_throttled, 1U);
  EXPECT_FALSE(nvml_thermal(fail(ErrorCode::kNotFound, "none"), 0).clock_mhz);
}

TEST(Nvml, TheRealLibraryIsThereOrSaysWhy) {
  const auto api = load_nvml();
  if (!api) {
    EXPECT_THAT(api.failure().message, HasSubstr("nvml: "));
  }
}

}  // namespace
}  // namespace nibble::profile
