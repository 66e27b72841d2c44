#include "report/paper/quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/cells.h"
#include "report/format.h"
#include "report/paper/scores.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

/// One column: the headline of the first of these tasks that the study has.
struct PaperTask {
  std::string_view title;
  std::vector<std::string_view> names;
  std::string_view machine;
};

const std::vector<PaperTask>& reasoning_tasks() {
  static const std::vector<PaperTask> tasks{{"HellaSwag", {"hellaswag"}, "hellaswag"},
                                            {"WinoGrande", {"winogrande"}, "winogrande"},
                                            {"PIQA", {"piqa"}, "piqa"},
                                            {"ARC-Easy", {"arc_easy"}, "arc_easy"},
                                            {"ARC-Chal.", {"arc_challenge"}, "arc_challenge"},
                                            {"BoolQ", {"boolq"}, "boolq"}};
  return tasks;
}

const std::vector<PaperTask>& knowledge_tasks() {
  static const std::vector<PaperTask> tasks{
      {"MMLU (5-shot)", {"mmlu_5shot"}, "mmlu"},
      {"GSM8K (5-shot)", {"gsm8k", "gsm8k_5shot"}, "gsm8k"},
      {"TruthfulQA (0-shot)", {"truthfulqa_mc2", "truthfulqa_mc1"}, "truthfulqa"}};
  return tasks;
}

std::vector<ScoreColumn> columns_of(const Data& data, const std::vector<PaperTask>& tasks) {
  std::vector<ScoreColumn> out;
  for (const PaperTask& column : tasks) {
    ScoreColumn one{std::string(column.title), std::string(column.machine)};
    for (const std::string_view name : column.names) {
      const auto found = std::ranges::find(data.tasks, name, &store::TaskRecord::name);
      if (!one.task && found != data.tasks.end() && !found->metrics.empty()) {
        one.task = static_cast<std::size_t>(found - data.tasks.begin());
      }
    }
    out.push_back(std::move(one));
  }
  return out;
}

Cell degradation_cell(const Average& average, bool is_reference) {
  if (is_reference && average.n > 0) {
    return {"0.0 %", {0.0}, false};
  }
  if (!average.is_compared() || average.reference == 0) {
    return missing_cell("nothing to compare");
  }
  return percent_cell({-average.difference / average.reference, ""});
}

/// WikiText-2 before other texts, the sliding window before other protocols; LAMBADA's is of one
/// word.
std::optional<std::size_t> perplexity_task(const Data& data) {
  const auto rank = [](const std::string& name) {
    const bool is_wikitext = name.find("wiki") != std::string::npos;
    return (is_wikitext ? 0 : 2) + (name.find("stride512") != std::string::npos ? 0 : 1);
  };
  std::optional<std::size_t> best;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    const store::TaskRecord& task = data.tasks[t];
    const bool is_one = !task.metrics.empty() && !task.name.starts_with("lambada") &&
                        task.metrics.front().name.ends_with("perplexity");
    if (is_one && (!best || rank(task.name) < rank(data.tasks[*best].name))) {
      best = t;
    }
  }
  return best;
}

Cell perplexity_cell(const store::SummaryRecord& row) {
  std::string text = number_text(*row.value);
  if (row.low && row.high) {
    text += fmt::format(" [{}, {}]", number_text(*row.low), number_text(*row.high));
  }
  return {std::move(text), {row.value, row.low, row.high}, false};
}

/// Loss, difference and degradation of one variant.
Row perplexity_cells(const store::SummaryRecord& row, const store::MetricRecord& metric) {
  const double loss = std::log(*row.value);
  Row out{perplexity_cell(row), {number_text(loss), {loss}, false}};
  const auto& with = row.comparison;
  if (!with) {
    out.push_back({"0.00", {0.0, {}, {}}, false});
    out.push_back({"0.0 %", {0.0}, false});
    return out;
  }
  out.push_back({comparison_text(*with, metric), {with->difference, with->low, with->high}, false});
  out.push_back(percent_cell({with->difference / (*row.value - with->difference), ""}));
  return out;
}

}  // namespace

Table paper_perplexity(const Data& data, const PaperRows& rows, int n) {
  const auto task = perplexity_task(data);
  Table table{
      paper_id(n),
      paper_title(n, "Perplexity", rows),
      task ? fmt::format("Of {}: {}; loss: its logarithm; differences are paired over "
                         "the same windows, with 95 % intervals",
                         data.tasks[*task].name,
                         data.tasks[*task].protocol)
           : "No task of this study measures it",
      {name_column(rows),
       {"Perplexity", true, {"perplexity", "low", "high"}},
       {"Loss", true, {"loss"}},
       {"Delta PPL " + versus(data), true, {"difference", "difference_low", "difference_high"}},
       {"Degradation (%)", true, {"degradation"}}},
      {}};
  for (const Variant* variant : rows.variants) {
    Row row{text_cell(variant->record.name)};
    if (!task) {
      row.insert(row.end(), 4, missing_cell("not part of the study"));
    } else if (const auto& known = variant->outcomes[*task].metrics.front(); known.value) {
      std::ranges::move(perplexity_cells(*known.value, data.tasks[*task].metrics.front()),
                        std::back_inserter(row));
    } else {
      row.insert(row.end(), 4, missing_cell(known.reason));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table paper_reasoning(const Data& data, const PaperRows& rows, int n) {
  const std::vector<ScoreColumn> columns = columns_of(data, reasoning_tasks());
  Table table = score_table(data,
                            rows,
                            columns,
                            {paper_id(n),
                             paper_title(n, "Reasoning", rows),
                             "Per cent, 0-shot; in parentheses the paired difference to the "
                             "reference in points with its 95 % interval, * where it is "
                             "significant after Holm's correction. The average is over the "
                             "columns that have a score, and says over how many where that is not "
                             "all",
                             {},
                             {}});
  add_average(rows, columns, table);
  return table;
}

Table paper_knowledge(const Data& data, const PaperRows& rows, int n) {
  const std::vector<ScoreColumn> columns = columns_of(data, knowledge_tasks());
  Table table = score_table(data,
                            rows,
                            columns,
                            {paper_id(n),
                             paper_title(n, "Knowledge and mathematics", rows),
                             "Per cent; differences as in the table of reasoning. Average "
                             "degradation: of the average, relative to the reference's",
                             {},
                             {}});
  add_average(rows, columns, table);
  table.columns.push_back({"Avg Deg. (%)", true, {"average_degradation"}});
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Variant& variant = *rows.variants[i];
    table.rows[i].push_back(degradation_cell(average_of(variant, columns), variant.is_reference));
  }
  return table;
}

}  // namespace nibble::report
