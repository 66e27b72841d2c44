/// What a prompt and a token of a loaded model cost in energy.
///
/// Prompts alone are fed until `energy_seconds` have passed, then whole requests as long; both from
/// an empty cache. A sensor sees long regions only, so the energy of decoding is the difference:
///
///   prefill_energy = J of a prompt / prompt_tokens
///   decode_energy  = (J of a request - J of a prompt) / new_tokens
///   *_net          = the same after idle_power * time was taken off
///
/// Units      J/token, J (request_energy), W (idle_power)
/// Errors     those of the model; what cannot be measured says why
/// Source     reference/evaluation.md 3.4
#pragma once

#include <vector>

#include "profile/energy/meter.h"
#include "profile/measure.h"

namespace nibble::profile {

/// Watts while nothing runs; no value and a reason where there is no sensor.
Measurement measure_idle(EnergyMeter& meter, double seconds);

/// `idle` is what `measure_idle` gave.
std::vector<Measurement> measure_energy(model::LoadedModel& loaded,
                                        const Options& options,
                                        EnergyMeter& meter,
                                        const Measurement& idle);

}  // namespace nibble::profile
