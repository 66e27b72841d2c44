#include "report/answers/tables.h"

#include <fmt/format.h>

#include <cmath>

#include "base/nan.h"
#include "report/answers/intervals.h"
#include "report/paper/scores.h"

namespace nibble::report {
namespace {

/// Mean over a third of the layers: 0 the first, 2 the last.
double mean_of_third(const std::vector<double>& of_layers, std::size_t third) {
  const std::size_t n = of_layers.size();
  double sum = 0;
  std::size_t n_known = 0;
  for (std::size_t i = third * n / 3; i < (third + 1) * n / 3; ++i) {
    if (!std::isnan(of_layers[i])) {
      sum += of_layers[i];
      ++n_known;
    }
  }
  return n_known > 0 ? sum / static_cast<double>(n_known) : kNaN;
}

Cell third_cell(const HeadLikeness& likeness, std::size_t third) {
  const double value = mean_of_third(likeness.divergence_of_layers, third);
  return std::isnan(value) ? missing_cell("no such layer")
                           : Cell{fmt::format("{:.4f}", value), {value}, false};
}

std::vector<Cell> likeness_cells(const Known<AttentionPictures>& known, std::size_t n_columns) {
  if (!known.value || !known.value->likeness) {
    return std::vector<Cell>(n_columns,
                             missing_cell(known.value ? "nothing to compare" : known.reason));
  }
  constexpr const char* kNone = "no head saw all documents";
  const HeadLikeness& found = *known.value->likeness;
  return {interval_cell(found.agreement, kPoints, Sign::kMinusOnly, kNone),
          interval_cell(found.divergence, kFine, Sign::kMinusOnly, kNone),
          third_cell(found, 0),
          third_cell(found, 1),
          third_cell(found, 2),
          interval_cell(found.sink_change, kPoints, Sign::kAlways, kNone)};
}

}  // namespace

Table answer_table(const Data& data, std::size_t group) {
  const AnswerGroup& of = data.answers.groups[group];
  std::vector<ScoreColumn> columns;
  for (const std::size_t task : of.tasks) {
    const store::TaskRecord& record = data.tasks[task];
    const std::string title = record.metrics.empty()
                                  ? record.name
                                  : fmt::format("{} {}", record.name, record.metrics.front().name);
    columns.push_back({title, record.name, task, 0});
  }
  PaperRows rows = method_rows(data);
  rows.column = "Variant";
  return score_table(data,
                     rows,
                     columns,
                     {fmt::format("answers-{:02}", group + 1),
                      fmt::format("Answers over documents: {}", of.name),
                      fmt::format("Headline score in per cent, {} questions in each column; {}",
                                  data.tasks[of.tasks.front()].n_samples,
                                  kDifferences),
                      {},
                      {}});
}

Table head_agreement_table(const Data& data) {
  Table table{
      "attention-heads",
      "Attention beside the reference's, head by head",
      "At the prompt's last token, with the share of each document in the attention to "
      "all documents: heads that look at the same document most, and the Jensen-Shannon "
      "divergence of the shares in bits, mean over all heads and by thirds of the layers; "
      "change of the mass on the first four tokens, in points. Intervals resample questions",
      {{"Questions of", false, {}},
       {"Variant", false, {}},
       interval_column("Heads that agree (%)", "agreement"),
       interval_column("Divergence (bits)", "divergence"),
       {"First layers", true, {"divergence_first"}},
       {"Middle layers", true, {"divergence_middle"}},
       {"Last layers", true, {"divergence_last"}},
       interval_column("Change of sinks (points)", "sink_change")},
      {}};
  constexpr std::size_t kNames = 2;
  for (const AnswerGroup& group : data.answers.groups) {
    for (std::size_t v = 0; v < group.pictures.size(); ++v) {
      if (!data.variants[v].is_reference) {
        Row row{text_cell(group.name), text_cell(data.variants[v].record.name)};
        std::ranges::move(likeness_cells(group.pictures[v], table.columns.size() - kNames),
                          std::back_inserter(row));
        table.rows.push_back(std::move(row));
      }
    }
  }
  return table;
}

std::vector<Table> answer_tables(const Data& data) {
  std::vector<Table> out;
  for (std::size_t group = 0; group < data.answers.groups.size(); ++group) {
    out.push_back(answer_table(data, group));
  }
  if (data.answers.attention_task) {
    out.push_back(head_agreement_table(data));
  }
  return out;
}

}  // namespace nibble::report
