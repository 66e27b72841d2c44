#include "report/profile/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/cells.h"
#include "report/format.h"
#include "report/profile/figures.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

Cell percentile_cell(const Known<Spread>& known, double q) {
  if (!known.value) {
    return missing_cell(known.reason);
  }
  const auto value = percentile(*known.value, q);
  return value ? Cell{number_text(*value), {*value}, false}
               : missing_cell(fmt::format("{} value{}, {} wanted",
                                          known.value->n,
                                          known.value->n == 1 ? "" : "s",
                                          least_values(q)));
}

Cell count_of(const Known<Spread>& known) {
  return known.value
             ? Cell{fmt::format("{}", known.value->n), {static_cast<double>(known.value->n)}, false}
             : missing_cell(known.reason);
}

/// "0.41" or "0.41 (estimate)"
Cell energy_cell(const EnergyFigure& figure) {
  Cell cell = number_cell(figure.joules);
  if (figure.is_estimate) {
    cell.text += " (estimate)";
  }
  if (figure.joules.value) {
    cell.numbers.emplace_back(figure.is_estimate ? 1.0 : 0.0);
  }
  return cell;
}

/// Joules of a request over the share of right answers, of the first task that says right or wrong.
Cell correct_cell(const Data& data, const Variant& variant, std::size_t task) {
  const EnergyFigure request = request_energy(data, variant);
  const Known<store::SummaryRecord>& score = variant.outcomes[task].metrics.front();
  if (!request.joules.value || !score.value) {
    return missing_cell(request.joules.value ? score.reason : request.joules.reason);
  }
  const double share = *score.value->value;
  return share > 0 ? energy_cell({{*request.joules.value / share, ""}, request.is_estimate})
                   : missing_cell("no answer was right");
}

std::vector<std::size_t> right_or_wrong_tasks(const Data& data) {
  std::vector<std::size_t> out;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    const auto& metrics = data.tasks[t].metrics;
    if (!metrics.empty() && says_right_or_wrong(metrics.front())) {
      out.push_back(t);
    }
  }
  return out;
}

/// "prefill_512": one of the lengths, depths or batches.
bool is_of_lengths(std::string_view name) {
  return name.starts_with("prefill_") ? name.find_first_not_of("0123456789", 8) == name.npos
                                      : name.starts_with("decode_d") || name.starts_with("batch_");
}

}  // namespace

Table latency_table(const Data& data) {
  Table table{"latency",
              "Latency",
              "Percentiles by linear interpolation, from as many values as carry one; one request "
              "at a time; cold: the first token of the first run after loading. Nothing is left "
              "out as an outlier",
              {{"Variant", false, {}},
               number_column("Requests", "requests"),
               number_column("First token ms, p50", "first_token_p50_ms"),
               number_column("p90", "first_token_p90_ms"),
               number_column("p95", "first_token_p95_ms"),
               number_column("p99", "first_token_p99_ms"),
               number_column("Cold", "cold_first_token_ms"),
               number_column("Tokens", "tokens"),
               number_column("Token ms, p50", "token_p50_ms"),
               number_column("p95", "token_p95_ms"),
               number_column("p99", "token_p99_ms"),
               {"Request ms", true, spread_columns("request_ms")}},
              {}};
  for (const Variant& variant : data.variants) {
    const Known<Spread> first = variant.measured("first_token");
    const Known<Spread> token = variant.measured("inter_token");
    table.rows.push_back({text_cell(variant.record.name),
                          count_of(first),
                          percentile_cell(first, 0.5),
                          percentile_cell(first, 0.9),
                          percentile_cell(first, 0.95),
                          percentile_cell(first, 0.99),
                          median_cell(variant.measured("cold_first_token")),
                          count_of(token),
                          percentile_cell(token, 0.5),
                          percentile_cell(token, 0.95),
                          percentile_cell(token, 0.99),
                          spread_cell(variant.measured("end_to_end"))});
  }
  return table;
}

/// Whether any variant was run by a device that tells how much of it was taken.
bool has_device_memory(const Data& data) {
  return std::ranges::any_of(data.variants, [](const Variant& variant) {
    return variant.measured("peak_device_memory").value.has_value();
  });
}

/// Which variants have weights that wait in the host's memory; "" where none has.
std::string streamed_text(const Data& data) {
  std::string out;
  for (const Variant& variant : data.variants) {
    if (const auto n_bytes = variant.measured("host_weights").value;
        n_bytes && n_bytes->median > 0) {
      out += fmt::format(
          ". Of {}, {:.0f} MB of the weights stayed in host memory and were copied to the device "
          "for every pass: its speed is that of the bus",
          variant.record.name,
          n_bytes->median / kMegabyte);
    }
  }
  return out;
}

void add_device_memory(Table& table, const Data& data) {
  constexpr std::ptrdiff_t kBehindPeak = 4;
  table.columns.insert(table.columns.begin() + kBehindPeak,
                       number_column("Device peak MB", "peak_device_memory_mb"));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    table.rows[i].insert(
        table.rows[i].begin() + kBehindPeak,
        median_cell(data.variants[i].measured("peak_device_memory"), 1 / kMegabyte));
  }
  table.caption += streamed_text(data);
}

Table utilisation_table(const Data& data) {
  Table table{"utilisation",
              "Memory and utilisation",
              "Keys and values for one request; arithmetic by formula, of the causal half; use is "
              "what was achieved over a peak: the prompt's arithmetic over the peak of 8-bit "
              "integers or, for weights stored as floats, of float32 (measured), over 16-bit "
              "floats (nominal); a token's bytes over the peak of reading. Above 100 %: weights "
              "stay in caches",
              {{"Variant", false, {}},
               number_column("Weights MB", "weights_mb"),
               number_column("Keys, values MB", "kv_mb"),
               number_column("Peak MB", "peak_memory_mb"),
               number_column("Prompt GFLOP", "prefill_gflop"),
               number_column("Token GFLOP", "decode_gflop"),
               number_column("Compute use, measured peak", "mfu_measured"),
               number_column("nominal peak", "mfu_nominal"),
               number_column("Bandwidth use, measured peak", "mbu_measured"),
               number_column("nominal peak", "mbu_nominal")},
              {}};
  for (const Variant& variant : data.variants) {
    table.rows.push_back({text_cell(variant.record.name),
                          number_cell(variant.weight_bytes(), 1 / kMegabyte),
                          median_cell(variant.measured("kv_bytes"), 1 / kMegabyte),
                          median_cell(variant.measured("peak_memory"), 1 / kMegabyte),
                          median_cell(variant.measured("prefill_flop"), 1e-9),
                          median_cell(variant.measured("decode_flop"), 1e-9),
                          percent_cell(compute_use(data, variant, Peak::kMeasured)),
                          percent_cell(compute_use(data, variant, Peak::kNominal)),
                          percent_cell(bandwidth_use(data, variant, Peak::kMeasured)),
                          percent_cell(bandwidth_use(data, variant, Peak::kNominal))});
  }
  if (has_device_memory(data)) {
    add_device_memory(table, data);
  }
  return table;
}

Table energy_table(const Data& data) {
  const std::string currency = data.condition("currency");
  Table table{"energy",
              "Energy and price",
              "Measured where a sensor is there; an estimate is 0.7 of the rated power times the "
              "time, and shows no saving but the time's. Net: what is drawn at rest is taken off. "
              "A right answer costs a request over the share of right answers",
              {{"Variant", false, {}},
               {"Decoding J/token", true, {"decode_j_per_token", "decode_is_estimate"}},
               number_column("Net J/token", "decode_net_j_per_token"),
               number_column("Prompt J/token", "prefill_j_per_token"),
               {"Request J", true, {"request_j", "request_is_estimate"}},
               number_column("At rest W", "idle_w"),
               number_column(currency.empty() ? "Price of 1M tokens"
                                              : fmt::format("{} for 1M tokens", currency),
                             "price_1m_tokens"),
               number_column("Clock MHz", "clock_mhz"),
               number_column("Temperature \u00b0C", "temperature_c"),
               number_column("Throttled", "throttled")},
              {}};
  const auto tasks = right_or_wrong_tasks(data);
  for (const std::size_t task : tasks) {
    table.columns.push_back(
        {fmt::format("J per right answer, {}", data.tasks[task].name),
         true,
         {data.tasks[task].name + "_j_per_right", data.tasks[task].name + "_is_estimate"}});
  }
  for (const Variant& variant : data.variants) {
    Row row{text_cell(variant.record.name),
            energy_cell(token_energy(data, variant)),
            median_cell(variant.measured("decode_energy_net")),
            median_cell(variant.measured("prefill_energy")),
            energy_cell(request_energy(data, variant)),
            median_cell(variant.measured("idle_power")),
            number_cell(price_of_million(data, variant)),
            median_cell(variant.measured("clock_after")),
            median_cell(variant.measured("temperature_after")),
            median_cell(variant.measured("throttled"))};
    for (const std::size_t task : tasks) {
      row.push_back(correct_cell(data, variant, task));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table length_table(const Data& data) {
  Table table{"lengths",
              "Lengths and batches",
              "prefill_N: a prompt of N tokens; decode_dN: tokens behind N others; batch_N: "
              "requests side by side, and the tokens of all of them",
              {{"Measurement", false, {}},
               {"Variant", false, {}},
               {"Value", true, spread_columns("value")},
               {"Unit", false, {}}},
              {}};
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const Variant& variant : data.variants) {
    for (const auto& [name, known] : variant.measurements) {
      if (is_of_lengths(name) && seen.insert(name).second) {
        names.push_back(name);
      }
    }
  }
  for (const std::string& name : names) {
    std::string_view unit = "samples/s";
    if (!name.starts_with("batch_") || name.ends_with("_decode")) {
      unit = name.starts_with("decode_d") ? "ms/token" : "tok/s";
    }
    for (const Variant& variant : data.variants) {
      table.rows.push_back({text_cell(name),
                            text_cell(variant.record.name),
                            spread_cell(variant.measured(name)),
                            text_cell(std::string(unit))});
    }
  }
  return table;
}

std::vector<Table> profile_tables(const Data& data) {
  if (std::ranges::none_of(data.variants, &Variant::is_to_be_measured)) {
    return {};  // the study asks for no measurement
  }
  std::vector<Table> out{latency_table(data), utilisation_table(data), energy_table(data)};
  if (Table lengths = length_table(data); !lengths.rows.empty()) {
    out.push_back(std::move(lengths));
  }
  return out;
}

}  // namespace nibble::report
