/// Numbers that follow from what was measured: percentiles, utilisation, energy and price.
///
///   percentile q      linear between order statistics; above the median from 1 / (1 - q) values on
///   compute use       FLOP / s of prefill, over the peak of the precision that its products run in
///   bandwidth use     bytes of weights, keys and values / s of a decoded token, over the peak
///   estimated energy  0.7 * rated power * time: proportional to time, so it shows no saving but
///                     the time's
///   price of 1e6 tok  per hour / (tok/s * 3600) * 1e6, and per kWh * J/token / 3.6e6 * 1e6
///
/// Errors     none: what cannot be computed has a reason
/// Source     reference/evaluation.md 3.1 to 3.6; the estimate is the source paper's equation 6
#pragma once

#include <optional>
#include <string>

#include "report/data.h"

namespace nibble::report {

/// The share of its rated power that the source paper takes a device to draw above rest.
inline constexpr double kEstimateShare = 0.7;

/// nullopt where there are too few values for it.
std::optional<double> percentile(const Spread& spread, double q);
/// 10 for 0.9, 20 for 0.95, 100 for 0.99.
std::size_t least_values(double q);

enum class Peak { kMeasured, kNominal };
/// Shares of 1.
Known<double> compute_use(const Data& data, const Variant& variant, Peak peak);
Known<double> bandwidth_use(const Data& data, const Variant& variant, Peak peak);

/// Joules, and whether they were measured.
struct EnergyFigure {
  Known<double> joules;
  bool is_estimate = false;
};
EnergyFigure token_energy(const Data& data, const Variant& variant);    ///< of decoding
EnergyFigure request_energy(const Data& data, const Variant& variant);  ///< of prompt and answer

/// Of all repetitions together.
Known<double> total_milliseconds(const Variant& variant);
Known<double> total_tokens(const Variant& variant);
/// Generated tokens a second of whole requests, one at a time.
Known<double> throughput(const Variant& variant);
/// In the study's currency, one request at a time.
Known<double> price_of_million(const Data& data, const Variant& variant);

}  // namespace nibble::report
