#include "report/tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "report/answers/tables.h"
#include "report/cells.h"
#include "report/format.h"
#include "report/paper/tables.h"
#include "report/profile/tables.h"
#include "report/retrieval/tables.h"

namespace nibble::report {
namespace {

std::string task_title(const store::TaskRecord& task) {
  const std::string unit = task.metrics.empty() ? "" : unit_label(task.metrics.front());
  return unit.empty() ? task.name : fmt::format("{} ({})", task.name, unit);
}

/// "acc (%, higher is better)"
std::string metric_text(const store::MetricRecord& metric) {
  const std::string unit = unit_label(metric);
  return fmt::format("{} ({}{}{} is better)",
                     metric.name,
                     unit,
                     unit.empty() ? "" : ", ",
                     metric.higher_is_better ? "higher" : "lower");
}

Cell value_cell(const Known<store::SummaryRecord>& known, const store::MetricRecord& metric) {
  if (!known.value) {
    return missing_cell(known.reason);
  }
  const store::SummaryRecord& row = *known.value;
  std::string text = value_text(*row.value, metric);
  if (row.low && row.high) {
    text += fmt::format(" [{}, {}]", value_text(*row.low, metric), value_text(*row.high, metric));
  }
  return {std::move(text), {row.value, row.low, row.high}, false};
}

Cell overview_cell(const Known<store::SummaryRecord>& known, const store::MetricRecord& metric) {
  if (!known.value) {
    return missing_cell(known.reason);
  }
  const store::SummaryRecord& row = *known.value;
  std::string text = value_text(*row.value, metric);
  Cell cell{text, {row.value, {}, {}}, false};
  if (const auto& with = row.comparison) {
    cell.text += fmt::format(
        " ({}{})", difference_text(with->difference, metric), is_significant(*with) ? "*" : "");
    cell.numbers = {row.value, with->difference, with->p_adjusted};
  }
  return cell;
}

Cell megabyte_cell(const Known<double>& bytes) {
  if (!bytes.value) {
    return missing_cell(bytes.reason);
  }
  return {megabytes_text(*bytes.value), {*bytes.value / kMegabyte}, false};
}

Cell count_cell(std::size_t n) {
  return {fmt::format("{}", n), {static_cast<double>(n)}, false};
}

Cell bits_cell(const Variant& variant) {
  const Known<double> bits = variant.bits_per_weight();
  return bits.value ? Cell{fmt::format("{:.2f}", *bits.value), {*bits.value}, false}
                    : missing_cell(bits.reason);
}

/// "equal options 3, at chance"; "" for a score without a flag.
std::string flags_text(const Outcome& outcome,
                       const store::MetricRecord& metric,
                       const store::SummaryRecord& value) {
  std::vector<std::string> flags;
  for (const auto& [flag, n] : outcome.doubts.flags) {
    flags.push_back(fmt::format("{} {}", flag, n));
  }
  if (metric.name == "acc" && value.low && outcome.doubts.chance &&
      *value.low <= *outcome.doubts.chance) {
    flags.emplace_back("at chance");
  }
  return fmt::format("{}", fmt::join(flags, ", "));
}

/// One number of what quantizing cost.
Cell quantize_cell(const Known<store::QuantizeCost>& cost,
                   std::optional<double> (*number)(const store::QuantizeCost&)) {
  if (!cost.value) {
    return missing_cell(cost.reason);
  }
  const std::optional<double> value = number(*cost.value);
  return value ? Cell{number_text(*value), {*value}, false}
               : missing_cell("not measured: the kernel keeps no memory mark");
}

std::optional<double> cpu_seconds_of(const store::QuantizeCost& cost) {
  return cost.cpu_seconds;
}
std::optional<double> seconds_of(const store::QuantizeCost& cost) {
  return cost.seconds;
}
std::optional<double> peak_megabytes_of(const store::QuantizeCost& cost) {
  return cost.peak_bytes ? std::optional(static_cast<double>(*cost.peak_bytes) / kMegabyte)
                         : std::nullopt;
}

Row difference_row(const Variant& variant,
                   const store::TaskRecord& task,
                   const store::MetricRecord& metric,
                   const Known<store::SummaryRecord>& known) {
  Row row{text_cell(task.name), text_cell(metric.name), text_cell(variant.record.name)};
  if (!known.value || !known.value->comparison) {
    const std::string reason = known.value ? "no reference to compare with" : known.reason;
    row.push_back(missing_cell(reason));
    row.insert(row.end(), 4, text_cell(""));
    return row;
  }
  const store::ComparisonRecord& with = *known.value->comparison;
  const std::string unit = difference_label(metric);
  row.push_back(
      {fmt::format("{}{}{}", comparison_text(with, metric), unit.empty() ? "" : " ", unit),
       {with.difference, with.low, with.high},
       false});
  row.push_back({p_text(with.p_value), {with.p_value}, false});
  row.push_back({p_text(with.p_adjusted), {with.p_adjusted}, false});
  if (with.lost && with.gained) {
    row.push_back({fmt::format("{} / {}", *with.lost, *with.gained),
                   {static_cast<double>(*with.lost), static_cast<double>(*with.gained)},
                   false});
  } else {
    row.push_back(text_cell("\u2013"));
  }
  row.push_back(count_cell(with.n));
  return row;
}

}  // namespace

bool is_significant(const store::ComparisonRecord& comparison) {
  return comparison.p_adjusted < kSignificance;
}

std::string comparison_text(const store::ComparisonRecord& comparison,
                            const store::MetricRecord& metric) {
  return fmt::format("{} [{}, {}]{}",
                     difference_text(comparison.difference, metric),
                     difference_text(comparison.low, metric),
                     difference_text(comparison.high, metric),
                     is_significant(comparison) ? "*" : "");
}

bool is_worse(const store::ComparisonRecord& comparison, const store::MetricRecord& metric) {
  return metric.higher_is_better ? comparison.difference < 0 : comparison.difference > 0;
}

Table overview_table(const Data& data) {
  Table table{"overview",
              "Variants",
              "Headline score of each task; in parentheses the paired "
              "difference to the reference, "
              "with * where it is significant after Holm's correction",
              {{"Variant", false, {}},
               {"Bits/weight", true, {"bits_per_weight"}},
               {"File MB", true, {"file_mb"}}},
              {}};
  for (const store::TaskRecord& task : data.tasks) {
    if (!task.context) {
      table.columns.push_back({task_title(task),
                               true,
                               {task.name, task.name + "_difference", task.name + "_p_adjusted"}});
    }
  }
  table.columns.push_back({"Decode ms/token", true, {"decode_ms_per_token"}});
  table.columns.push_back({"Peak memory MB", true, {"peak_memory_mb"}});
  for (const Variant& variant : data.variants) {
    Row row{
        text_cell(variant.record.name), bits_cell(variant), megabyte_cell(variant.file_bytes())};
    for (std::size_t t = 0; t < data.tasks.size(); ++t) {
      if (!data.tasks[t].context) {
        row.push_back(data.tasks[t].metrics.empty() ? missing_cell("no metric")
                                                    : overview_cell(variant.outcomes[t].metrics[0],
                                                                    data.tasks[t].metrics[0]));
      }
    }
    row.push_back(median_cell(variant.measured("decode")));
    row.push_back(median_cell(variant.measured("peak_memory"), 1 / kMegabyte));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table quality_table(const Data& data) {
  Table table{"quality",
              "Scores",
              "Value with its 95 % confidence interval over samples, answered samples, samples "
              "without an answer (counted, never averaged as zero), samples asked without the "
              "beginning that the model's context had no room for, answers ended by their length; "
              "flags are reasons to doubt a score, with the samples they were found on",
              {{"Task", false, {}},
               {"Metric", false, {}},
               {"Variant", false, {}},
               {"Value", true, {"value", "low", "high"}},
               {"Unit", false, {}},
               {"n", true, {"n"}},
               {"Unanswered", true, {"unanswered"}},
               {"Asked in part", true, {"asked_in_part"}},
               {"Ended by length", true, {"ended_by_length"}},
               {"Flags", false, {}}},
              {}};
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    const store::TaskRecord& task = data.tasks[t];
    for (std::size_t m = 0; m < task.metrics.size(); ++m) {
      for (const Variant& variant : data.variants) {
        const Known<store::SummaryRecord>& known = variant.outcomes[t].metrics[m];
        Row row{
            text_cell(task.name), text_cell(task.metrics[m].name), text_cell(variant.record.name)};
        row.push_back(value_cell(known, task.metrics[m]));
        row.push_back({unit_label(task.metrics[m]), {}, false, task.metrics[m].unit});
        if (const auto& value = known.value) {
          const store::CutCounts& cut = variant.outcomes[t].cut;
          for (const std::size_t n : {value->n, value->unanswered, cut.asked, cut.answered}) {
            row.push_back(count_cell(n));
          }
          row.push_back(text_cell(flags_text(variant.outcomes[t], task.metrics[m], *value)));
        } else {
          row.insert(row.end(), 5, text_cell(""));
        }
        table.rows.push_back(std::move(row));
      }
    }
  }
  return table;
}

Table difference_table(const Data& data) {
  Table table{"differences",
              "Differences to the reference",
              "Paired over the samples that both answered: difference with its 95 % interval, p by "
              "exchanging pair members, p after Holm's correction over all headline comparisons "
              "(other metrics: over their own family), answers lost and gained",
              {{"Task", false, {}},
               {"Metric", false, {}},
               {"Variant", false, {}},
               {"Difference", true, {"difference", "low", "high"}},
               {"p", true, {"p"}},
               {"p (Holm)", true, {"p_adjusted"}},
               {"Lost / gained", true, {"lost", "gained"}},
               {"n", true, {"n"}}},
              {}};
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    const store::TaskRecord& task = data.tasks[t];
    if (!task.metrics.empty() && is_distance(task.metrics.front())) {
      continue;  // the scores are the difference
    }
    for (std::size_t m = 0; m < task.metrics.size(); ++m) {
      for (const Variant& variant : data.variants) {
        if (!variant.is_reference) {
          table.rows.push_back(
              difference_row(variant, task, task.metrics[m], variant.outcomes[t].metrics[m]));
        }
      }
    }
  }
  return table;
}

Table cost_table(const Data& data) {
  Table table{"cost",
              "Size, memory and speed",
              "Median over the repetitions with the smallest and the largest in brackets",
              {{"Variant", false, {}},
               {"Recipe", false, {}},
               {"File MB", true, {"file_mb"}},
               {"Bits/weight", true, {"bits_per_weight"}},
               {"First token ms", true, spread_columns("first_token_ms")},
               {"Prefill tok/s", true, spread_columns("prefill_tok_s")},
               {"Decode ms/token", true, spread_columns("decode_ms_per_token")},
               {"Peak memory MB", true, spread_columns("peak_memory_mb")},
               {"Quantize CPU s", true, {"quantize_cpu_s"}},
               {"Quantize s", true, {"quantize_s"}},
               {"Quantize peak MB", true, {"quantize_peak_mb"}},
               {"Stored types", false, {}}},
              {}};
  for (const Variant& variant : data.variants) {
    const auto& facts = variant.record.facts;
    const Known<store::QuantizeCost> cost = variant.quantize_cost();
    table.rows.push_back({text_cell(variant.record.name),
                          text_cell(variant.record.recipe_name),
                          megabyte_cell(variant.file_bytes()),
                          bits_cell(variant),
                          spread_cell(variant.measured("first_token")),
                          spread_cell(variant.measured("prefill")),
                          spread_cell(variant.measured("decode")),
                          spread_cell(variant.measured("peak_memory"), 1 / kMegabyte),
                          quantize_cell(cost, &cpu_seconds_of),
                          quantize_cell(cost, &seconds_of),
                          quantize_cell(cost, &peak_megabytes_of),
                          facts ? text_cell(facts->weight_types) : missing_cell("not built yet")});
  }
  return table;
}

Table task_table(const Data& data) {
  Table table{"tasks",
              "Tasks",
              "What was asked and how; results of different versions are never mixed",
              {{"Task", false, {}},
               {"Version", true, {}},
               {"Protocol", false, {}},
               {"Samples", true, {"n_samples"}},
               {"Metrics", false, {}},
               {"SHA-256 of the data", false, {}}},
              {}};
  for (const store::TaskRecord& task : data.tasks) {
    std::vector<std::string> metrics;
    for (const store::MetricRecord& metric : task.metrics) {
      metrics.push_back(metric_text(metric));
    }
    table.rows.push_back({text_cell(task.name),
                          text_cell(fmt::format("{}", task.version)),
                          text_cell(task.protocol),
                          count_cell(task.n_samples),
                          text_cell(fmt::format("{}", fmt::join(metrics, "; "))),
                          text_cell(task.data_hash)});
  }
  return table;
}

Table condition_table(const Data& data) {
  Table table{"conditions",
              "Conditions",
              "What held for every number; memory and system are those of the last run",
              {{"Condition", false, {}}, {"Value", false, {}}},
              {}};
  for (const store::Condition& row : data.conditions) {
    table.rows.push_back({text_cell(row.key), text_cell(row.value)});
  }
  for (const Variant& variant : data.variants) {
    if (variant.record.facts) {
      table.rows.push_back({text_cell("weights of " + variant.record.name),
                            text_cell("SHA-256 " + variant.record.facts->model_hash)});
    }
  }
  return table;
}

std::vector<Table> all_tables(const Data& data) {
  std::vector<Table> out{
      overview_table(data), quality_table(data), difference_table(data), cost_table(data)};
  std::ranges::move(answer_tables(data), std::back_inserter(out));
  std::ranges::move(retrieval_tables(data), std::back_inserter(out));
  std::ranges::move(profile_tables(data), std::back_inserter(out));
  out.push_back(task_table(data));
  out.push_back(condition_table(data));
  std::ranges::move(paper_tables(data), std::back_inserter(out));
  return out;
}

}  // namespace nibble::report
