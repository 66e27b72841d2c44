/// Energy, clocks and temperature of an NVIDIA GPU by its driver's library, loaded at run time.
///
/// The energy counter (millijoules since the driver was loaded) is taken where the GPU has one;
/// else power is sampled. The counter covers the whole board and is brought up to date every few
/// tens of milliseconds; on recent GPUs the sensor behind it sees a part of the time only, so
/// regions of ten seconds and more are wanted.
///
/// Errors     kNotFound where the library or the GPU is not there, kDevice with NVML's own text
/// Source     NVML API reference; Yang et al. 2023, arXiv 2312.02741
#pragma once

#include <memory>

#include "profile/energy/sensor.h"
#include "profile/thermal.h"

namespace nibble::profile {

/// The functions of the library that are used; a test brings its own. A function that the driver
/// does not have is empty.
struct NvmlApi {
  using Device = void*;
  static constexpr int kSuccess = 0;

  int (*device_by_index)(unsigned index, Device* device) = nullptr;
  int (*name)(Device device, char* text, unsigned n) = nullptr;
  int (*total_energy)(Device device, unsigned long long* millijoules) = nullptr;
  int (*power)(Device device, unsigned* milliwatts) = nullptr;
  int (*temperature)(Device device, int sensor, unsigned* celsius) = nullptr;
  int (*clock)(Device device, int kind, unsigned* mhz) = nullptr;
  int (*throttle_reasons)(Device device, unsigned long long* bits) = nullptr;
  const char* (*error_text)(int status) = nullptr;
};

/// The library, initialised once for the process; kNotFound where it is not installed.
Result<std::shared_ptr<const NvmlApi>> load_nvml();

Result<Sensors> nvml_sensors(const Result<std::shared_ptr<const NvmlApi>>& api, unsigned number);

/// Clock of the processors, temperature, and whether something holds the clock down.
Thermal nvml_thermal(const Result<std::shared_ptr<const NvmlApi>>& api, unsigned number);

}  // namespace nibble::profile
