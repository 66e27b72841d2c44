#include "report/paper/attention.h"

#include <fmt/format.h>

#include <cmath>

#include "report/answers/intervals.h"
#include "report/paper/scores.h"

namespace nibble::report {
namespace {

constexpr std::size_t kNameColumns = 1;

/// A column that is a metric of the task that measures attention.
struct MetricColumn {
  std::string_view title, machine, metric;
};

std::vector<ScoreColumn> metric_columns(const Data& data, const std::vector<MetricColumn>& wanted) {
  const std::optional<std::size_t> task = data.answers.attention_task;
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
std::string task_text(const Data& data) {
  if (!data.answers.attention_task) {
    return "No task of this study measures it";
  }
  const store::TaskRecord& task = data.tasks[*data.answers.attention_task];
  return fmt::format("Of {} ({} questions)", task.name, task.n_samples);
}

/// Fills the cells of one variant that has its numbers.
template <class T>
using FillCells = std::vector<Cell> (*)(const T& effect);

/// Puts `columns` into the table at `place`, with the reason where a variant has no numbers.
template <class T>
void insert_columns(const Data& data,
                    const PaperRows& rows,
                    Known<T> AnswerEffects::*of,
                    const std::vector<Column>& columns,
                    FillCells<T> fill,
                    std::size_t place,
                    Table& table) {
  const auto at = static_cast<std::ptrdiff_t>(place);
  table.columns.insert(table.columns.begin() + at, columns.begin(), columns.end());
  for (std::size_t i = 0; i < rows.variants.size(); ++i) {
    const Known<T>& known = data.effects_of(*rows.variants[i]).*of;
    const std::vector<Cell> cells =
        known.value ? fill(*known.value)
                    : std::vector<Cell>(columns.size(), missing_cell(known.reason));
    table.rows[i].insert(table.rows[i].begin() + at, cells.begin(), cells.end());
  }
}

std::vector<Cell> median_cells(const AttentionQuality& found) {
  return {std::isnan(found.median_rank)
              ? missing_cell("no question has a rank")
              : Cell{fmt::format("{:.1f}", found.median_rank), {found.median_rank}, false}};
}

std::vector<Cell> drift_cells(const DriftQuality& found) {
  return {correlation_cell(found.f1),
          interval_cell(found.right, kFine, Sign::kMinusOnly, "no such question"),
          interval_cell(found.wrong, kFine, Sign::kMinusOnly, "no such question"),
          {fmt::format("{}", found.n), {static_cast<double>(found.n)}, false}};
}

/// "41.2 of 17"
Cell share_cell(double share, std::size_t n) {
  return n == 0 ? missing_cell("no question")
                : Cell{fmt::format("{:.1f} of {}", 100 * share, n),
                       {share, static_cast<double>(n)},
                       false};
}

std::vector<Cell> quality_cells(const AttentionQuality& found) {
  const rag::AttentionSplit& split = found.split;
  return {correlation_cell(found.p1_f1),
          correlation_cell(found.rank_f1),
          correlation_cell(found.lift_f1),
          share_cell(split.high, split.n_high),
          share_cell(split.low, split.n_low),
          interval_cell(split.difference, kPoints, Sign::kAlways, "an empty half"),
          found.rank_f1_change
              ? interval_cell(*found.rank_f1_change, kPlain, Sign::kAlways, "nothing varies")
              : text_cell("\u2013")};
}

}  // namespace

Table paper_attention(const Data& data, const PaperRows& rows, int number) {
  const std::vector<ScoreColumn> columns =
      metric_columns(data,
                     {{"Precision@1 (%)", "precision_at_1", "attention_p1"},
                      {"Mean rank", "mean_rank", "attention_rank"},
                      {"Share (%)", "share", "attention_gold"},
                      {"Lift", "lift", "attention_lift"},
                      {"Gini", "gini", "attention_gini"},
                      {"EM (%)", "exact_match", "exact_match"},
                      {"F1 (%)", "f1", "f1"}});
  Table table = score_table(
      data,
      rows,
      columns,
      {paper_id(number),
       paper_title(number, "Attention to the relevant documents", rows),
       fmt::format("{}. At the prompt's last token, mean over all heads. Share: of the relevant "
                   "documents in the attention to all; lift: over that of even attention; {}",
                   task_text(data),
                   kDifferences),
       {},
       {}});
  constexpr std::size_t kBehindMeanRank = kNameColumns + 2;
  insert_columns(data,
                 rows,
                 &AnswerEffects::attention,
                 {{"Median rank", true, {"median_rank"}}},
                 &median_cells,
                 kBehindMeanRank,
                 table);
  return table;
}

Table paper_drift(const Data& data, const PaperRows& rows, int number) {
  const std::vector<ScoreColumn> columns =
      metric_columns(data,
                     {{"Mean drift", "mean_drift", "drift_mean"},
                      {"Max drift", "max_drift", "drift_max"},
                      {"Drift from relevant", "drift_from_relevant", "drift_from_relevant"},
                      {"Off relevant (%)", "off_relevant", "drift_off_gold"},
                      {"Own answer: mean drift", "own_mean_drift", "drift_mean_own"}});
  Table table = score_table(
      data,
      rows,
      columns,
      {paper_id(number),
       paper_title(number, "Attention while an answer is generated", rows),
       fmt::format(
           "{}. Drift: divergence in bits of the attention to the documents from that of the "
           "prompt's last token, over the reference's answer where it has four tokens or "
           "more. Drift from relevant: share that the relevant documents lose; off "
           "relevant: tokens that look at another document most; {}. Correlation with F1: "
           "Spearman's over these questions, interval by Fisher's z; drift where right: mean over "
           "the questions that the variant answered right (a wanted answer stands in its answer)",
           task_text(data),
           kDifferences),
       {},
       {}});
  insert_columns(data,
                 rows,
                 &AnswerEffects::drift,
                 {correlation_column("Drift and F1 (rho)", "drift_f1_rho"),
                  interval_column("Drift where right", "drift_right"),
                  interval_column("Drift where wrong", "drift_wrong"),
                  {"Questions", true, {"questions"}}},
                 &drift_cells,
                 table.columns.size(),
                 table);
  return table;
}

Table paper_attention_quality(const Data& data, const PaperRows& rows, int number) {
  Table table = score_table(
      data,
      rows,
      {},
      {paper_id(number),
       paper_title(number, "Attention and the quality of answers", rows),
       fmt::format(
           "{}. Correlations over questions with intervals by Fisher's z and p of no correlation: "
           "precision@1 and F1 (Pearson), rank of the relevant document and F1 (Spearman; "
           "below zero where better attention goes with better answers), lift and F1 within equal "
           "positions of the relevant document (Spearman, pooled). Right with high attention: "
           "per cent answered right of the questions above the median lift, an illustration and "
           "no test. Change: Spearman's rho of rank and F1 less the reference's, over the same "
           "questions",
           task_text(data)),
       {},
       {}});
  insert_columns(data,
                 rows,
                 &AnswerEffects::attention,
                 {correlation_column("Precision@1 and F1 (r)", "p1_f1_r"),
                  correlation_column("Rank and F1 (rho)", "rank_f1_rho"),
                  correlation_column("Lift and F1 within positions (rho)", "lift_f1_rho"),
                  {"Right with high attention (%)", true, {"high_right", "high_questions"}},
                  {"Right with low attention (%)", true, {"low_right", "low_questions"}},
                  interval_column("High less low (points)", "high_less_low"),
                  interval_column("Change of rank and F1", "rank_f1_change")},
                 &quality_cells,
                 kNameColumns,
                 table);
  return table;
}

}  // namespace nibble::report
