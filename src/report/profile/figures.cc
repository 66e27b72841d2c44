#include "report/profile/figures.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "eval/stats/interval.h"

namespace nibble::report {
namespace {

constexpr double kGiga = 1e9, kTera = 1e12, kMillion = 1e6;
constexpr double kSecondsPerHour = 3600;
constexpr double kJoulesPerKwh = 3.6e6;

Known<double> unknown(std::string reason) {
  return {{}, reason.empty() ? "not measured" : std::move(reason)};
}

/// Whether the linear layers are stored as floats: their products are those of floats.
bool runs_in_floats(const Data& data, const Variant& variant) {
  if (data.condition("arithmetic") == "f32" || !variant.record.facts) {
    return true;
  }
  const std::string& types = variant.record.facts->weight_types;  // "210 x q4_1, 61 x f32"
  const std::size_t name = types.find(" x ");
  const std::string_view first = name == std::string::npos
                                     ? std::string_view(types)
                                     : std::string_view(types).substr(name + 3);
  return first.starts_with("f32") || first.starts_with("f16") || first.starts_with("bf16");
}

/// What the machine reached, from units of 1e9 a second.
Known<double> measured_peak(const Variant& variant, std::string_view name) {
  const Known<double> giga = variant.median(name);
  return giga.value ? Known<double>{*giga.value * kGiga, ""} : unknown(giga.reason);
}

Known<double> no_nominal_peak() {
  return unknown("no nominal peak: the device is not in the table of hardware");
}

/// FLOP/s. Weight-only formats run in 16-bit floats on a GPU, in 8-bit integers on a processor.
Known<double> peak_compute(const Data& data, const Variant& variant, Peak peak) {
  if (peak == Peak::kMeasured) {
    return measured_peak(variant, runs_in_floats(data, variant) ? "peak_float32" : "peak_int8");
  }
  for (const std::string_view key : {"nominal fp16 TFLOP/s", "nominal fp32 TFLOP/s"}) {
    if (const auto value = data.number(key)) {
      return {*value * kTera, ""};
    }
  }
  return no_nominal_peak();
}

Known<double> peak_bandwidth(const Data& data, const Variant& variant, Peak peak) {
  if (peak == Peak::kMeasured) {
    return measured_peak(variant, "peak_read");
  }
  const auto nominal = data.number("nominal bandwidth GB/s");
  return nominal ? Known<double>{*nominal * kGiga, ""} : no_nominal_peak();
}

/// amount / (ms / 1000) / peak
Known<double> share_of(const Known<double>& amount,
                       const Known<double>& milliseconds,
                       const Known<double>& peak) {
  for (const Known<double>* part : {&amount, &milliseconds, &peak}) {
    if (!part->value) {
      return unknown(part->reason);
    }
  }
  return {*amount.value * 1000 / *milliseconds.value / *peak.value, ""};
}

EnergyFigure energy(const Data& data,
                    const Variant& variant,
                    std::string_view measured,
                    std::string_view time) {
  const Known<double> joules = variant.median(measured);
  if (joules.value) {
    return {joules, false};
  }
  const Known<double> milliseconds = variant.median(time);
  if (!milliseconds.value) {
    return {unknown(milliseconds.reason), false};
  }
  const auto power = data.number("rated power W");
  if (!power) {
    return {{{}, fmt::format("{}; no rated power to estimate from", joules.reason)}, false};
  }
  return {{kEstimateShare * *power * *milliseconds.value / 1000, ""}, true};
}

}  // namespace

std::size_t least_values(double q) {
  return q > 0.5 ? static_cast<std::size_t>(std::llround(1 / (1 - q))) : 1;
}

std::optional<double> percentile(const Spread& spread, double q) {
  return spread.n >= least_values(q) ? std::optional(eval::stats::quantile(spread.sorted, q))
                                     : std::nullopt;
}

Known<double> compute_use(const Data& data, const Variant& variant, Peak peak) {
  return share_of(variant.median("prefill_flop"),
                  variant.median("first_token"),
                  peak_compute(data, variant, peak));
}

Known<double> bandwidth_use(const Data& data, const Variant& variant, Peak peak) {
  return share_of(variant.median("decode_bytes"),
                  variant.median("decode"),
                  peak_bandwidth(data, variant, peak));
}

EnergyFigure token_energy(const Data& data, const Variant& variant) {
  return energy(data, variant, "decode_energy", "decode");
}

EnergyFigure request_energy(const Data& data, const Variant& variant) {
  return energy(data, variant, "request_energy", "end_to_end");
}

Known<double> total_milliseconds(const Variant& variant) {
  const Known<Spread> time = variant.measured("end_to_end");
  if (!time.value) {
    return {{}, time.reason};
  }
  return {std::accumulate(time.value->sorted.begin(), time.value->sorted.end(), 0.0), ""};
}

Known<double> total_tokens(const Variant& variant) {
  const Known<Spread> time = variant.measured("end_to_end");
  const Known<double> each = variant.median("generated_tokens");
  if (!time.value || !each.value) {
    return {{}, time.value ? each.reason : time.reason};
  }
  return {*each.value * static_cast<double>(time.value->n), ""};
}

Known<double> throughput(const Variant& variant) {
  return share_of(total_tokens(variant), total_milliseconds(variant), {1, ""});
}

Known<double> price_of_million(const Data& data, const Variant& variant) {
  const auto per_hour = data.number("price per hour");
  const auto per_kwh = data.number("price per kWh");
  if (!per_hour && !per_kwh) {
    return unknown("no price: [cost] per_hour or per_kwh");
  }
  double price = 0;
  if (per_hour) {
    const Known<double> rate = throughput(variant);
    if (!rate.value) {
      return rate;
    }
    price += *per_hour / (*rate.value * kSecondsPerHour) * kMillion;
  }
  if (per_kwh) {
    const EnergyFigure request = request_energy(data, variant);
    const Known<double> tokens = variant.median("generated_tokens");
    if (!request.joules.value || !tokens.value) {
      return unknown(request.joules.value ? tokens.reason : request.joules.reason);
    }
    price += *per_kwh * *request.joules.value / *tokens.value / kJoulesPerKwh * kMillion;
  }
  return {price, ""};
}

}  // namespace nibble::report
