#include "profile/energy/measure_energy.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/cancel.h"
#include "base/function_ref.h"
#include "profile/runner.h"

namespace nibble::profile {
namespace {

/// Energy and time of one piece of work, the mean of as many as fitted.
struct Piece {
  double joules = 0, seconds = 0;
  std::string failure;
};

Piece measure_piece(EnergyMeter& meter, double seconds, FunctionRef<void()> work) {
  const double wanted = std::max(seconds, meter.least_seconds());
  std::size_t n = 0;
  meter.start();
  const Stopwatch time;
  do {
    work();
    ++n;
  } while (time.milliseconds() < wanted * 1000);
  const double took = time.milliseconds() / 1000;
  const Energy energy = meter.stop();
  const auto count = static_cast<double>(n);
  return {energy.joules / count, took / count, energy.failure};
}

Measurement one(std::string name, std::string unit, double value) {
  return {std::move(name), std::move(unit), {value}, ""};
}

Measurement none(std::string name, std::string unit, std::string reason) {
  return {std::move(name), std::move(unit), {}, std::move(reason)};
}

std::vector<Measurement> nothing(const std::string& reason) {
  return {none("prefill_energy", "J/token", reason),
          none("decode_energy", "J/token", reason),
          none("decode_energy_net", "J/token", reason),
          none("request_energy", "J", reason)};
}

}  // namespace

Measurement measure_idle(EnergyMeter& meter, double seconds) {
  if (!meter.has_sensors()) {
    return none("idle_power", "W", "no energy sensor on this machine");
  }
  if (!(seconds > 0)) {
    return none("idle_power", "W", "not measured: idle_seconds = 0");
  }
  meter.start();
  const Stopwatch time;
  while (time.milliseconds() < seconds * 1000) {
    cancel_flag().check();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const Energy energy = meter.stop();
  return energy.failure.empty() ? one("idle_power", "W", energy.watts())
                                : none("idle_power", "W", energy.failure);
}

std::vector<Measurement> measure_energy(model::LoadedModel& loaded,
                                        const Options& options,
                                        EnergyMeter& meter,
                                        const Measurement& idle) {
  if (!meter.has_sensors()) {
    return nothing(idle.reason);
  }
  if (!(options.energy_seconds > 0)) {
    return nothing("not measured: energy_seconds = 0");
  }
  const auto prompt = fixed_prompt(options.prompt_tokens, loaded.model->config().vocab);
  const std::size_t n_tokens = options.prompt_tokens + options.new_tokens + 1;
  const Piece prefill = measure_piece(
      meter, options.energy_seconds, [&] { Runner(*loaded.model, 1, n_tokens).prompt(prompt); });
  const Piece request = measure_piece(meter, options.energy_seconds, [&] {
    Runner runner(*loaded.model, 1, n_tokens);
    runner.prompt(prompt);
    for (std::size_t i = 0; i < options.new_tokens; ++i) {
      runner.step();
    }
  });
  for (const Piece& piece : {prefill, request}) {
    if (!piece.failure.empty()) {
      return nothing(piece.failure);
    }
  }
  const auto n_new = static_cast<double>(options.new_tokens);
  const double joules = request.joules - prefill.joules;
  std::vector<Measurement> out{
      one("prefill_energy", "J/token", prefill.joules / static_cast<double>(options.prompt_tokens)),
      one("decode_energy", "J/token", joules / n_new),
      none("decode_energy_net", "J/token", idle.reason),
      one("request_energy", "J", request.joules)};
  if (!idle.values.empty()) {
    const double at_rest = idle.values.front() * (request.seconds - prefill.seconds);
    out[2] = one("decode_energy_net", "J/token", (joules - at_rest) / n_new);
  }
  return out;
}

}  // namespace nibble::profile
