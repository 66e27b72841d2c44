#include "report/paper/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/format.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

constexpr double kTwoSided = 1.959963984540054;  // 95 %

Cell average_cell(const Average& average, std::size_t n_columns) {
  if (average.n == 0) {
    return missing_cell("no score");
  }
  const store::MetricRecord share{"", "fraction", true, "identity"};
  Cell cell{value_text(average.mean(average.value), share),
            {average.mean(average.value), {}, {}, {}, static_cast<double>(average.n)},
            false};
  if (average.is_compared()) {
    const double difference = average.mean(average.difference);
    const double low = difference - average.half_width();
    const double high = difference + average.half_width();
    cell.text += fmt::format(" ({} [{}, {}])",
                             difference_text(difference, share),
                             difference_text(low, share),
                             difference_text(high, share));
    cell.numbers = {average.mean(average.value), difference, low, high, cell.numbers.back()};
  }
  if (average.n < n_columns) {
    cell.text += fmt::format(" of {}", average.n);
  }
  return cell;
}

}  // namespace

std::optional<std::size_t> find_metric(const store::TaskRecord& task, std::string_view name) {
  const auto found = std::ranges::find(task.metrics, name, &store::MetricRecord::name);
  return found != task.metrics.end()
             ? std::optional(static_cast<std::size_t>(found - task.metrics.begin()))
             : std::nullopt;
}

Cell score_cell(const Data& data, const Variant& variant, const ScoreColumn& column) {
  if (!column.task) {
    return missing_cell("not part of the study");
  }
  const store::MetricRecord& metric = data.tasks[*column.task].metrics[column.metric];
  const auto& known = variant.outcomes[*column.task].metrics[column.metric];
  if (!known.value) {
    return missing_cell(known.reason);
  }
  Cell cell{value_text(*known.value->value, metric), {known.value->value, {}, {}, {}}, false};
  if (const auto& with = known.value->comparison) {
    cell.text += fmt::format(" ({})", comparison_text(*with, metric));
    cell.numbers = {known.value->value, with->difference, with->low, with->high};
  }
  return cell;
}

void Average::add(const store::SummaryRecord& row) {
  ++n;
  value += *row.value;
  if (const auto& with = row.comparison) {
    ++n_compared;
    difference += with->difference;
    reference += *row.value - with->difference;
    const double error = (with->high - with->low) / (2 * kTwoSided);
    squared_error += error * error;  // tasks have no samples in common
  }
}

double Average::half_width() const {
  return kTwoSided * mean(std::sqrt(squared_error));
}

Average average_of(const Variant& variant, const std::vector<ScoreColumn>& columns) {
  Average average;
  for (const ScoreColumn& column : columns) {
    if (column.task) {
      const auto& known = variant.outcomes[*column.task].metrics[column.metric];
      if (known.value) {
        average.add(*known.value);
      }
    }
  }
  return average;
}

Table score_table(const Data& data,
                  const PaperRows& rows,
                  const std::vector<ScoreColumn>& columns,
                  Table table) {
  table.columns = {name_column(rows)};
  for (const auto& [title, machine, task, metric] : columns) {
    table.columns.push_back(
        {title, true, {machine, machine + "_difference", machine + "_low", machine + "_high"}});
  }
  for (const Variant* variant : rows.variants) {
    std::vector<Cell> row{text_cell(variant->record.name)};
    for (const ScoreColumn& column : columns) {
      row.push_back(score_cell(data, *variant, column));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

void add_average(const PaperRows& rows, const std::vector<ScoreColumn>& columns, Table& table) {
  table.columns.push_back(
      {"Avg",
       true,
       {"average", "average_difference", "average_low", "average_high", "average_tasks"}});
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Average average = average_of(*rows.variants[i], columns);
    table.rows[i].push_back(average_cell(average, columns.size()));
  }
}

}  // namespace nibble::report
