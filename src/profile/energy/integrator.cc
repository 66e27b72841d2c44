#include "profile/energy/integrator.h"

namespace nibble::profile {

void Integrator::add(double seconds, const Reading& reading) {
  if (last_) {
    const double elapsed = seconds - last_seconds_;
    seconds_ += elapsed;
    if (reading.joules && last_->joules) {
      double step = *reading.joules - *last_->joules;
      if (step < 0 && wrap_joules_ > 0) {
        step += wrap_joules_;
      }
      n_resets_ += step < 0 ? 1U : 0U;
      joules_ += step < 0 ? 0.0 : step;
    } else if (reading.watts && last_->watts) {
      joules_ += elapsed * (*reading.watts + *last_->watts) / 2;
    }
  }
  last_ = reading;
  last_seconds_ = seconds;
  ++n_readings_;
}

}  // namespace nibble::profile
