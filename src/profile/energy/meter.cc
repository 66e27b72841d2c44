#include "profile/energy/meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "profile/energy/integrator.h"

namespace nibble::profile {

using Clock = std::chrono::steady_clock;

struct EnergyMeter::State {
  /// One sensor and what it has seen.
  struct Track {
    std::unique_ptr<EnergySensor> sensor;
    Integrator integrator{0};
    double next_seconds = 0;
    std::string failure;
  };

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  void read(Track& track) {
    const Result<Reading> reading = track.sensor->read();
    const double now = seconds();
    if (reading) {
      track.integrator.add(now, *reading);
    } else if (track.failure.empty()) {
      track.failure = reading.failure().message;
    }
    track.next_seconds = now + track.sensor->info().period_seconds;
  }

  /// Reads what is due until told to stop.
  void watch() {
    std::unique_lock lock(mutex);
    while (!is_stopping) {
      double next = tracks.front().next_seconds;
      for (const Track& track : tracks) {
        next = std::min(next, track.next_seconds);
      }
      if (wake.wait_for(lock, std::chrono::duration<double>(std::max(0.0, next - seconds())), [&] {
            return is_stopping;
          })) {
        return;
      }
      for (Track& track : tracks) {
        if (track.next_seconds <= seconds()) {
          read(track);
        }
      }
    }
  }

  std::vector<Track> tracks;
  Clock::time_point begin;
  std::mutex mutex;
  std::condition_variable wake;
  bool is_stopping = false;
  std::thread thread;
};

EnergyMeter::EnergyMeter(Sensors sensors) : state_(std::make_unique<State>()) {
  for (auto& sensor : sensors) {
    state_->tracks.push_back({std::move(sensor), Integrator(0), 0, ""});
  }
}

EnergyMeter::~EnergyMeter() {
  if (state_->thread.joinable()) {
    stop();
  }
}

bool EnergyMeter::has_sensors() const {
  return !state_->tracks.empty();
}

std::string EnergyMeter::describe() const {
  std::string out;
  for (const State::Track& track : state_->tracks) {
    const SensorInfo& info = track.sensor->info();
    out +=
        fmt::format("{}{} ({}, {})", out.empty() ? "" : " + ", info.name, info.covers, info.method);
  }
  return out;
}

double EnergyMeter::least_seconds() const {
  double most = 0;
  for (const State::Track& track : state_->tracks) {
    most = std::max(most, track.sensor->info().least_seconds);
  }
  return most;
}

void EnergyMeter::start() {
  state_->begin = Clock::now();
  state_->is_stopping = false;
  for (State::Track& track : state_->tracks) {
    track.integrator = Integrator(track.sensor->info().wrap_joules);
    track.failure.clear();
    state_->read(track);
  }
  if (has_sensors()) {
    state_->thread = std::thread([state = state_.get()] { state->watch(); });
  }
}

Energy EnergyMeter::stop() {
  if (state_->thread.joinable()) {
    {
      const std::lock_guard lock(state_->mutex);
      state_->is_stopping = true;
    }
    state_->wake.notify_all();
    state_->thread.join();
  }
  Energy out;
  for (State::Track& track : state_->tracks) {
    state_->read(track);
    out.joules += track.integrator.joules();
    out.seconds = std::max(out.seconds, track.integrator.seconds());
    out.n_readings += track.integrator.n_readings();
    if (out.failure.empty() && track.integrator.n_resets() > 0) {
      out.failure = fmt::format("{}: the counter fell", track.sensor->info().name);
    }
    out.failure = out.failure.empty() ? track.failure : out.failure;
  }
  return out;
}

}  // namespace nibble::profile
