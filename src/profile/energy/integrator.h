/// Energy between two moments from a sensor's readings.
///
///   counter  sum of the steps; where it fell, wrap_joules more (once), and where it never wraps
///            the step is left out and counted as a reset
///   power    trapezoids between the readings
///
/// Units      joules, seconds of any steady clock
/// Requires   times do not fall
/// Threads    one object, one thread
/// Source     reference/evaluation.md 3.4
#pragma once

#include <cstddef>
#include <optional>

#include "profile/energy/sensor.h"

namespace nibble::profile {

class Integrator {
 public:
  explicit Integrator(double wrap_joules) : wrap_joules_(wrap_joules) {}

  void add(double seconds, const Reading& reading);

  [[nodiscard]] double joules() const noexcept { return joules_; }
  /// Between the first reading and the last.
  [[nodiscard]] double seconds() const noexcept { return seconds_; }
  [[nodiscard]] std::size_t n_readings() const noexcept { return n_readings_; }
  [[nodiscard]] std::size_t n_resets() const noexcept { return n_resets_; }

 private:
  double wrap_joules_;
  double joules_ = 0, seconds_ = 0;
  std::size_t n_readings_ = 0, n_resets_ = 0;
  double last_seconds_ = 0;
  std::optional<Reading> last_;
};

}  // namespace nibble::profile
