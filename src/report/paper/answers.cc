#include "report/paper/answers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "report/cells.h"
#include "report/paper/scores.h"

namespace nibble::report {
namespace {

constexpr std::string_view kDifferences =
    "in parentheses the paired difference to the reference with its 95 % interval, * where it is "
    "significant after Holm's correction";

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

/// A column that is a metric of the task that a table is about.
struct MetricColumn {
  std::string_view title, machine, metric;
};

/// Of the first task that has the first metric.
std::vector<ScoreColumn> metric_columns(const Data& data, const std::vector<MetricColumn>& wanted) {
  const auto task = first_task(data, [&wanted](const store::TaskRecord& one) {
    return find_metric(one, wanted.front().metric).has_value();
  });
  std::vector<ScoreColumn> out;
  for (const MetricColumn& column : wanted) {
    ScoreColumn one{std::string(column.title), std::string(column.machine)};
    const auto metric = task ? find_metric(data.tasks[*task], column.metric) : std::nullopt;
    if (metric) {
      one.task = task;
      one.metric = *metric;
    }
    out.push_back(std::move(one));
  }
  return out;
}

/// "Of squad@512 (40 questions)"
std::string task_text(const Data& data, const std::vector<ScoreColumn>& columns) {
  if (!columns.front().task) {
    return "No task of this study measures it";
  }
  const store::TaskRecord& task = data.tasks[*columns.front().task];
  return fmt::format("Of {} ({} questions)", task.name, task.n_samples);
}

/// A prompt's length in tokens and the task that asks at it.
struct LengthTask {
  std::size_t length = 0, task = 0;
};

bool has_length(const store::TaskRecord& task) {
  return task.context && task.context->budget && find_metric(task, "f1");
}

/// True where two tasks differ in nothing but length.
bool are_alike(const store::TaskRecord& a, const store::TaskRecord& b) {
  return a.context->set == b.context->set && a.context->mode == b.context->mode &&
         a.context->n_documents == b.context->n_documents &&
         a.context->gold_slot == b.context->gold_slot && a.n_samples == b.n_samples;
}

/// The tasks that ask the same at the most lengths, by length; the first such in the study's order.
std::vector<LengthTask> length_tasks(const Data& data) {
  std::vector<LengthTask> best;
  for (const store::TaskRecord& first : data.tasks) {
    std::vector<LengthTask> family;
    for (std::size_t t = 0; t < data.tasks.size() && has_length(first); ++t) {
      if (has_length(data.tasks[t]) && are_alike(first, data.tasks[t])) {
        family.push_back({*data.tasks[t].context->budget, t});
      }
    }
    if (family.size() > best.size()) {
      best = std::move(family);
    }
  }
  std::ranges::sort(best, {}, &LengthTask::length);
  return best;
}

/// The paper's lengths and the study's.
std::vector<ScoreColumn> length_columns(const Data& data, const std::vector<LengthTask>& tasks) {
  std::set<std::size_t> lengths{512, 1024, 2048, 4096};
  for (const LengthTask& one : tasks) {
    lengths.insert(one.length);
  }
  std::vector<ScoreColumn> out;
  for (const std::size_t length : lengths) {
    ScoreColumn column{fmt::format("{} tok", length), fmt::format("f1_{}", length)};
    const auto found = std::ranges::find(tasks, length, &LengthTask::length);
    if (found != tasks.end()) {
      column.task = found->task;
      column.metric = *find_metric(data.tasks[found->task], "f1");
    }
    out.push_back(std::move(column));
  }
  return out;
}

Known<double> f1_of(const Data& data, const Variant& variant, const LengthTask& task) {
  const std::size_t metric = *find_metric(data.tasks[task.task], "f1");
  const Known<store::SummaryRecord>& known = variant.outcomes[task.task].metrics[metric];
  return known.value ? Known<double>{known.value->value, ""} : Known<double>{{}, known.reason};
}

/// The share of the shortest length's F1 that is lost at the longest.
Cell length_loss_cell(const Data& data,
                      const Variant& variant,
                      const std::vector<LengthTask>& tasks) {
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

std::string length_caption(const Data& data, const std::vector<LengthTask>& tasks) {
  if (tasks.empty()) {
    return "No task of this study asks at given lengths";
  }
  const store::TaskRecord& task = data.tasks[tasks.front().task];
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

Table paper_attention(const Data& data, const PaperRows& rows, int n) {
  const std::vector<ScoreColumn> columns =
      metric_columns(data,
                     {{"Precision@1 (%)", "precision_at_1", "attention_p1"},
                      {"Mean rank", "mean_rank", "attention_rank"},
                      {"Share (%)", "share", "attention_gold"},
                      {"Lift", "lift", "attention_lift"},
                      {"Gini", "gini", "attention_gini"},
                      {"EM (%)", "exact_match", "exact_match"},
                      {"F1 (%)", "f1", "f1"}});
  return score_table(
      data,
      rows,
      columns,
      {paper_id(n),
       paper_title(n, "Attention to the relevant documents", rows),
       fmt::format("{}. At the prompt's last token, mean over all heads. Share: of the relevant "
                   "documents in the attention to all; lift: over that of even attention; {}",
                   task_text(data, columns),
                   kDifferences),
       {},
       {}});
}

Table paper_lengths(const Data& data, const PaperRows& rows, int n) {
  const std::vector<LengthTask> tasks = length_tasks(data);
  Table table = score_table(data,
                            rows,
                            length_columns(data, tasks),
                            {paper_id(n),
                             paper_title(n, "F1 by context length", rows),
                             length_caption(data, tasks),
                             {},
                             {}});
  table.columns.push_back({fmt::format("Degradation {} to {}",
                                       tasks.empty() ? 512 : tasks.front().length,
                                       tasks.empty() ? 4096 : tasks.back().length),
                           true,
                           {"degradation"}});
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    table.rows[i].push_back(length_loss_cell(data, *rows.variants[i], tasks));
  }
  return table;
}

Table paper_drift(const Data& data, const PaperRows& rows, int n) {
  const std::vector<ScoreColumn> columns =
      metric_columns(data,
                     {{"Mean drift", "mean_drift", "drift_mean"},
                      {"Max drift", "max_drift", "drift_max"},
                      {"Drift from relevant", "drift_from_relevant", "drift_from_relevant"},
                      {"Off relevant (%)", "off_relevant", "drift_off_gold"},
                      {"Own answer: mean drift", "own_mean_drift", "drift_mean_own"}});
  return score_table(
      data,
      rows,
      columns,
      {paper_id(n),
       paper_title(n, "Attention while an answer is generated", rows),
       fmt::format(
           "{}. Drift: divergence in bits of the attention to the documents from that of the "
           "prompt's last token, over the reference's answer where it has four tokens or "
           "more. Drift from relevant: share that the relevant documents lose; off "
           "relevant: tokens that look at another document most; {}",
           task_text(data, columns),
           kDifferences),
       {},
       {}});
}

}  // namespace nibble::report
