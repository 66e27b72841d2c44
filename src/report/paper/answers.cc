#include "report/paper/answers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "report/cells.h"
#include "report/paper/scores.h"

namespace nibble::report {
namespace {

/// One column: the first of these sets that a [[rag]] task asks, else the first of these tasks.
struct ReadingColumn {
  std::string_view title;
  std::string_view machine;
  std::vector<std::string_view> sets, tasks;
};

const std::vector<ReadingColumn>& reading_columns() {
  static const std::vector<ReadingColumn> columns{
      {"SQuAD", "squad", {"squad"}, {"squadv2"}},
      {"NQ-Open", "nq", {"nq_open", "nq"}, {"nq_open"}},
      {"TriviaQA", "triviaqa", {"triviaqa"}, {"triviaqa"}},
      {"DROP", "drop", {"drop"}, {"drop"}},
      {"QuAC", "quac", {"quac"}, {"quac"}}};
  return columns;
}

template <class Is>
std::optional<std::size_t> first_task(const Data& data, Is&& is) {
  const auto found = std::ranges::find_if(data.tasks, is);
  return found != data.tasks.end()
             ? std::optional(static_cast<std::size_t>(found - data.tasks.begin()))
             : std::nullopt;
}

std::optional<std::size_t> reading_task(const Data& data, const ReadingColumn& column) {
  for (const std::string_view set : column.sets) {
    const auto asks_set = [set](const store::TaskRecord& task) {
      return task.context && task.context->set == set;
    };
    if (const auto found = first_task(data, asks_set)) {
      return found;
    }
  }
  for (const std::string_view name : column.tasks) {
    const auto is_named = [name](const store::TaskRecord& task) { return task.name == name; };
    if (const auto found = first_task(data, is_named)) {
      return found;
    }
  }
  return std::nullopt;
}

/// F1, or exact match where the task has no F1; the title says which.
ScoreColumn reading_score(const Data& data, const ReadingColumn& column) {
  ScoreColumn out{std::string(column.title), std::string(column.machine)};
  const auto task = reading_task(data, column);
  if (!task) {
    return out;
  }
  const auto f1 = find_metric(data.tasks[*task], "f1");
  const auto metric = f1 ? f1 : find_metric(data.tasks[*task], "exact_match");
  if (metric) {
    out.title += f1 ? " (F1)" : " (EM)";
    out.task = task;
    out.metric = *metric;
  }
  return out;
}

/// "SQuAD (F1): squad@512; …"
std::string sources_text(const Data& data, const std::vector<ScoreColumn>& columns) {
  std::vector<std::string> out;
  for (const ScoreColumn& column : columns) {
    if (column.task) {
      out.push_back(fmt::format("{}: {}", column.title, data.tasks[*column.task].name));
    }
  }
  return out.empty() ? "no task of this study measures it"
                     : fmt::format("{}", fmt::join(out, "; "));
}

/// The paper's lengths and the study's.
std::vector<ScoreColumn> length_columns(const Data& data, const TaskNumbers& tasks) {
  std::map<std::size_t, std::optional<std::size_t>> lengths{
      {512, {}}, {1024, {}}, {2048, {}}, {4096, {}}};
  for (const std::size_t task : tasks) {
    lengths[*data.tasks[task].context->budget] = task;
  }
  std::vector<ScoreColumn> out;
  for (const auto& [length, task] : lengths) {
    ScoreColumn column{fmt::format("{} tok", length), fmt::format("f1_{}", length)};
    if (task) {
      column.task = task;
      column.metric = *find_metric(data.tasks[*task], "f1");
    }
    out.push_back(std::move(column));
  }
  return out;
}

Known<double> f1_of(const Data& data, const Variant& variant, std::size_t task) {
  const std::size_t metric = *find_metric(data.tasks[task], "f1");
  const Known<store::SummaryRecord>& known = variant.outcomes[task].metrics[metric];
  return known.value ? Known<double>{known.value->value, ""} : Known<double>{{}, known.reason};
}

/// The share of the shortest length's F1 that is lost at the longest.
Cell length_loss_cell(const Data& data, const Variant& variant, const TaskNumbers& tasks) {
  if (tasks.size() < 2) {
    return missing_cell(tasks.empty() ? "not part of the study" : "one length, two wanted");
  }
  Known<double> kept =
      ratio_of(f1_of(data, variant, tasks.back()), f1_of(data, variant, tasks.front()));
  if (kept.value) {
    kept.value = 1 - *kept.value;
  }
  return percent_cell(kept);
}

std::string length_caption(const Data& data, const TaskNumbers& tasks) {
  if (tasks.empty()) {
    return "No task of this study asks at given lengths";
  }
  const store::TaskRecord& task = data.tasks[tasks.front()];
  return fmt::format(
      "F1 in per cent by the most tokens that a prompt may have, of {} ({} questions, the same at "
      "every length); {}. Degradation: lost from the shortest to the longest, relative to the "
      "shortest",
      task.context->set,
      task.n_samples,
      kDifferences);
}

}  // namespace

Table paper_comprehension(const Data& data, const PaperRows& rows, int n) {
  std::vector<ScoreColumn> columns;
  for (const ReadingColumn& column : reading_columns()) {
    columns.push_back(reading_score(data, column));
  }
  Table table = score_table(
      data,
      rows,
      columns,
      {paper_id(n),
       paper_title(n, "RAG-focused reading comprehension", rows),
       fmt::format("Per cent; {}. Tasks: {}", kDifferences, sources_text(data, columns)),
       {},
       {}});
  add_average(rows, columns, table);
  return table;
}

Table paper_lengths(const Data& data, const PaperRows& rows, int n) {
  const TaskNumbers& tasks = data.answers.length_tasks;
  Table table = score_table(data,
                            rows,
                            length_columns(data, tasks),
                            {paper_id(n),
                             paper_title(n, "F1 by context length", rows),
                             length_caption(data, tasks),
                             {},
                             {}});
  table.columns.push_back(
      {fmt::format("Degradation {} to {}",
                   tasks.empty() ? 512 : *data.tasks[tasks.front()].context->budget,
                   tasks.empty() ? 4096 : *data.tasks[tasks.back()].context->budget),
       true,
       {"degradation"}});
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    table.rows[i].push_back(length_loss_cell(data, *rows.variants[i], tasks));
  }
  return table;
}

}  // namespace nibble::report
