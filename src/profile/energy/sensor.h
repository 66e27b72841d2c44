/// What tells how much energy a part of the machine takes: a counter that only grows, or a power
/// that is drawn now.
///
/// One interface for RAPL, INA3221 and NVML, so that what measures does not know what it measures
/// with, and says of every number how it came about.
///
/// Units      joules, watts, seconds
/// Errors     `read` is kIo or kDevice with the sensor's name; `find_sensors` never fails, it says
///            why a kind of sensor is not there
/// Source     reference/evaluation.md 3.4
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::profile {

/// A counter gives joules since some moment in the past, a power sensor watts.
struct Reading {
  std::optional<double> joules;
  std::optional<double> watts;
};

struct SensorInfo {
  std::string name;              ///< "rapl package-0", "ina3221 VDD_IN", "nvml 0 NVIDIA H100"
  std::string covers;            ///< "processor package", "whole board"
  std::string method;            ///< "counter", "power, sampled"
  double wrap_joules = 0;        ///< the counter begins again at 0 here; 0: it never does
  double least_seconds = 1;      ///< a shorter time is not told from the sensor's own steps
  double period_seconds = 0.05;  ///< between readings: of power often, of a counter before it wraps
};

class EnergySensor {
 public:
  virtual ~EnergySensor() = default;
  [[nodiscard]] virtual const SensorInfo& info() const noexcept = 0;
  virtual Result<Reading> read() = 0;
};

using Sensors = std::vector<std::unique_ptr<EnergySensor>>;

/// The sensors that together cover what runs a model, none of them counted twice.
struct SensorSearch {
  Sensors sensors;
  std::vector<std::string> absent;  ///< "rapl: no /sys/class/powercap/intel-rapl:0"
};

/// 1 of "cuda:1"; nullopt for what is no GPU.
std::optional<unsigned> cuda_number(std::string_view device);

/// For "cpu": packages and memory by RAPL, else the whole board by INA3221. For "cuda:N": the GPU's
/// board by NVML, else INA3221. `root` stands in for "/" in tests.
SensorSearch find_sensors(const std::string& device, const std::filesystem::path& root = "/");

}  // namespace nibble::profile
