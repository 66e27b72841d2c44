/// Reads all sensors while something runs, and says what it took.
///
/// A thread reads each sensor at its own period between `start` and `stop`; both ends are read by
/// the caller's thread, so a counter misses nothing.
///
/// Units      joules, seconds, watts
/// Threads    `start` and `stop` from one thread
/// Errors     a sensor whose reading fails in between gives the failure in place of its energy
/// Source     our own
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "profile/energy/sensor.h"

namespace nibble::profile {

/// What all sensors together saw.
struct Energy {
  double joules = 0;
  double seconds = 0;
  std::size_t n_readings = 0;
  std::string failure;  ///< "": all sensors gave all readings

  [[nodiscard]] double watts() const { return seconds > 0 ? joules / seconds : 0; }
};

class EnergyMeter {
 public:
  explicit EnergyMeter(Sensors sensors);
  ~EnergyMeter();
  EnergyMeter(const EnergyMeter&) = delete;
  EnergyMeter& operator=(const EnergyMeter&) = delete;

  [[nodiscard]] bool has_sensors() const;
  /// "rapl package-0 (processor package, counter) + …"
  [[nodiscard]] std::string describe() const;
  /// The longest of what the sensors want a region to last.
  [[nodiscard]] double least_seconds() const;

  void start();
  Energy stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nibble::profile
