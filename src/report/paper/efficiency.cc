#include "report/paper/efficiency.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "report/cells.h"
#include "report/format.h"
#include "report/profile/figures.h"

namespace nibble::report {
namespace {

constexpr double kGigabyte = 1e9, kMillijoule = 1e-3, kMillisecond = 1e-3;

Table start(const PaperRows& rows, int n, std::string_view title, std::string caption) {
  return {paper_id(n), paper_title(n, title, rows), std::move(caption), {name_column(rows)}, {}};
}

void add_columns(Table& table, std::vector<Column> columns) {
  std::ranges::move(columns, std::back_inserter(table.columns));
}

/// Milliseconds of a request over its generated tokens.
Known<double> token_latency(const Variant& variant) {
  return ratio_of(variant.median("end_to_end"), variant.median("generated_tokens"));
}

Known<double> file_ratio(const Data& data, const Variant& variant) {
  return ratio_of(data.variants.front().file_bytes(), variant.file_bytes());
}

Known<double> weight_share(const Variant& variant) {
  return ratio_of(variant.weight_bytes(), variant.median("peak_memory"));
}

std::string batch_name(std::size_t batch) {
  return fmt::format("batch_{}", batch);
}

/// The paper's batches, and what else was measured.
std::set<std::size_t> batches_of(const Data& data) {
  std::set<std::size_t> out{1, 2, 4, 8};
  constexpr std::string_view kPrefix = "batch_";
  for (const Variant& variant : data.variants) {
    for (const auto& [name, known] : variant.measurements) {
      std::size_t batch = 0;
      const char* const last = name.data() + name.size();
      if (name.starts_with(kPrefix) &&
          std::from_chars(name.data() + kPrefix.size(), last, batch).ptr == last) {
        out.insert(batch);
      }
    }
  }
  return out;
}

/// The batch with the highest rate.
struct BestBatch {
  std::size_t batch = 0;
  double samples_s = 0;
};
std::optional<BestBatch> best_batch(const Variant& variant, const std::set<std::size_t>& batches) {
  std::optional<BestBatch> best;
  for (const std::size_t batch : batches) {
    const auto rate = variant.median(batch_name(batch)).value;
    if (rate && (!best || *rate > best->samples_s)) {
      best = BestBatch{batch, *rate};
    }
  }
  return best;
}

Row best_cells(const Variant& variant, const std::set<std::size_t>& batches) {
  const auto best = best_batch(variant, batches);
  if (!best) {
    return Row(3, missing_cell(variant.measured(batch_name(1)).reason));
  }
  const Known<double> alone = variant.median(batch_name(1));
  const Known<double> linear =
      alone.value ? Known<double>{*alone.value * static_cast<double>(best->batch), ""} : alone;
  return {{fmt::format("{}", best->batch), {static_cast<double>(best->batch)}, false},
          number_cell({best->samples_s, ""}),
          percent_cell(ratio_of({best->samples_s, ""}, linear))};
}

Cell millijoule_cell(const EnergyFigure& figure) {
  Cell cell = number_cell(figure.joules, 1 / kMillijoule);
  if (figure.joules.value) {
    cell.text += figure.is_estimate ? " (estimate)" : " (measured)";
    cell.numbers.emplace_back(figure.is_estimate ? 1.0 : 0.0);
  }
  return cell;
}

}  // namespace

Table paper_latency(const Data& data, const PaperRows& rows, int n) {
  Table table = start(rows,
                      n,
                      "Latency",
                      "Median with the smallest and the largest repetition. Latency: time of a "
                      "request over its generated tokens. Prefill: time of the prompt to the first "
                      "token, which is the TTFT of an engine without a queue. Speedup: ratio of "
                      "latencies");
  add_columns(table,
              {number_column("Latency (ms/tok)", "latency_ms_per_token"),
               {"TTFT (ms)", true, spread_columns("ttft_ms")},
               {"Prefill (ms)", true, spread_columns("prefill_ms")},
               {"Decode (ms/tok)", true, spread_columns("decode_ms_per_token")},
               number_column("Speedup " + versus(data), "speedup")});
  for (const Variant* variant : rows.variants) {
    const Known<double> latency = token_latency(*variant);
    table.rows.push_back({text_cell(variant->record.name),
                          number_cell(latency),
                          spread_cell(variant->measured("first_token")),
                          spread_cell(variant->measured("first_token")),
                          spread_cell(variant->measured("decode")),
                          ratio_cell(ratio_of(token_latency(data.variants.front()), latency))});
  }
  return table;
}

Table paper_memory(const Data& data, const PaperRows& rows, int n) {
  Table table = start(rows,
                      n,
                      "Memory utilization and compression",
                      "Size of the weights' files; bits of all stored tensors over the number of "
                      "parameters; compression: files of the reference over those of the variant. "
                      "Memory efficiency is not defined in the paper; here it is the share of the "
                      "peak that packed weights are");
  add_columns(table,
              {number_column("Model Size (GB)", "model_size_gb"),
               number_column("Peak Memory (MB)", "peak_memory_mb"),
               number_column("Bits/Param", "bits_per_parameter"),
               number_column("Compression Ratio", "compression_ratio"),
               number_column("Memory Efficiency", "memory_efficiency")});
  for (const Variant* variant : rows.variants) {
    table.rows.push_back({text_cell(variant->record.name),
                          number_cell(variant->file_bytes(), 1 / kGigabyte),
                          median_cell(variant->measured("peak_memory"), 1 / kMegabyte),
                          number_cell(variant->bits_per_weight()),
                          ratio_cell(file_ratio(data, *variant)),
                          percent_cell(weight_share(*variant))});
  }
  return table;
}

Table paper_throughput(const Data& data, const PaperRows& rows, int n) {
  Table table = start(rows,
                      n,
                      "Generation throughput",
                      "Generated tokens over the time of whole requests, one at a time, over all "
                      "repetitions");
  add_columns(table,
              {number_column("Throughput (tok/s)", "throughput_tok_s"),
               number_column("Total Tokens Generated", "total_tokens"),
               number_column("Total Time (s)", "total_time_s"),
               number_column("Throughput " + versus(data), "throughput_ratio")});
  for (const Variant* variant : rows.variants) {
    const Known<double> rate = throughput(*variant);
    table.rows.push_back({text_cell(variant->record.name),
                          number_cell(rate),
                          number_cell(total_tokens(*variant)),
                          number_cell(total_milliseconds(*variant), kMillisecond),
                          ratio_cell(ratio_of(rate, throughput(data.variants.front())))});
  }
  return table;
}

Table paper_batches(const Data& data, const PaperRows& rows, int n) {
  Table table = start(rows,
                      n,
                      "Batch throughput scaling (samples/second)",
                      "Requests side by side, each with its prompt and its new tokens; efficiency: "
                      "the best rate over that many times the rate of one");
  const std::set<std::size_t> batches = batches_of(data);
  for (const std::size_t batch : batches) {
    table.columns.push_back(number_column(fmt::format("Batch={}", batch), batch_name(batch)));
  }
  add_columns(table,
              {number_column("Optimal Batch", "optimal_batch"),
               number_column("Optimal Throughput", "optimal_samples_s"),
               number_column("Scaling Efficiency", "scaling_efficiency")});
  for (const Variant* variant : rows.variants) {
    Row row{text_cell(variant->record.name)};
    for (const std::size_t batch : batches) {
      row.push_back(median_cell(variant->measured(batch_name(batch))));
    }
    std::ranges::move(best_cells(*variant, batches), std::back_inserter(row));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table paper_energy(const Data& data, const PaperRows& rows, int n) {
  const std::string currency = data.condition("currency");
  Table table = start(rows,
                      n,
                      "Energy consumption",
                      "Energy of a decoded token, measured where a sensor is there; the paper's "
                      "estimate otherwise: 0.7 of the rated power times the time, which shows no "
                      "saving but the time's. Price of a million generated tokens, one request at "
                      "a time");
  add_columns(
      table,
      {{"Energy/Token (mJ)", true, {"energy_mj_per_token", "is_estimate"}},
       number_column("TDP (W)", "tdp_w"),
       number_column("Energy Efficiency " + versus(data), "energy_efficiency"),
       number_column(fmt::format("Est. Cost ({}/1M tokens)", currency.empty() ? "$" : currency),
                     "cost_per_1m_tokens")});
  const auto power = data.number("rated power W");
  const EnergyFigure reference = token_energy(data, data.variants.front());
  for (const Variant* variant : rows.variants) {
    const EnergyFigure figure = token_energy(data, *variant);
    const bool is_alike = figure.is_estimate == reference.is_estimate;
    table.rows.push_back({text_cell(variant->record.name),
                          millijoule_cell(figure),
                          number_cell(power ? Known<double>{power, ""}
                                            : Known<double>{{}, "no rated power is known"}),
                          is_alike ? ratio_cell(ratio_of(reference.joules, figure.joules))
                                   : missing_cell("one is measured, the other estimated"),
                          number_cell(price_of_million(data, *variant))});
  }
  return table;
}

}  // namespace nibble::report
