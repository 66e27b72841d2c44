/// Tables 21 and 22 (answers.h).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/nan.h"
#include "eval/stats/multiple.h"
#include "report/answers/intervals.h"
#include "report/format.h"
#include "report/paper/answers.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

constexpr const char* kNothingVaries = "no score varies";

std::string lengths_text(const Data& data) {
  std::vector<std::size_t> lengths;
  for (const std::size_t task : data.answers.length_tasks) {
    lengths.push_back(*data.tasks[task].context->budget);
  }
  return fmt::format("{}", fmt::join(lengths, ", "));
}

std::string positions_text(const Data& data) {
  const TaskNumbers& tasks = data.answers.position_tasks;
  if (tasks.empty()) {
    return "no task of this study asks at given positions";
  }
  std::vector<std::size_t> positions;
  for (const std::size_t task : tasks) {
    positions.push_back(*data.tasks[task].context->gold_slot);
  }
  return fmt::format("of {} with the relevant document at {}",
                     group_name(data.tasks, tasks),
                     fmt::join(positions, ", "));
}

std::string degradation_caption(const Data& data) {
  const TaskNumbers& tasks = data.answers.length_tasks;
  if (tasks.empty()) {
    return "No task of this study asks at given lengths";
  }
  return fmt::format(
      "F1 of {} at {} tokens ({} questions, the same at every length). Slope: points of F1 per "
      "1,000 tokens, least squares with an effect of each question; R²: of single answers within "
      "questions, and of the means for four lengths or more. Cliff: the first length that "
      "is below the best shorter one for good, by more than 5 points and 2 standard errors; in "
      "parentheses a break of the line that lowers BIC. Degrades: p by permuting lengths within "
      "questions, after Holm's correction over the rows. Position effect: U, points of F1 at the "
      "outer positions less the inner ones, with p by permuting positions; {}. Extra slope: that "
      "of the differences to the reference",
      group_name(data.tasks, tasks),
      lengths_text(data),
      data.tasks[tasks.front()].n_samples,
      positions_text(data));
}

Cell fit_cell(const rag::Degradation& found) {
  if (std::isnan(found.r2_examples)) {
    return missing_cell(kNothingVaries);
  }
  std::string text = fmt::format("{:.3f}", found.r2_examples);
  if (found.r2_bins) {
    text += fmt::format("; of means {:.2f}", *found.r2_bins);
  }
  return {std::move(text), {found.r2_examples, found.r2_bins}, false};
}

Cell cliff_cell(const LengthEffect& effect) {
  std::string text = effect.rule_cliff ? fmt::format("{:.0f}", effect.rule_cliff->tokens) : "none";
  if (const auto& by_model = effect.model_cliff) {
    text += fmt::format(" ({:.0f}", by_model->tokens);
    text += std::isnan(by_model->low)
                ? ")"
                : fmt::format(" [{:.0f}, {:.0f}])", by_model->low, by_model->high);
  }
  const auto tokens = [](const auto& cliff) {
    return cliff ? std::optional(cliff->tokens) : std::nullopt;
  };
  return {std::move(text), {tokens(effect.rule_cliff), tokens(effect.model_cliff)}, false};
}

/// p as it came; `judge` says what it is after correction.
Cell raw_p_cell(double p) {
  return std::isnan(p) ? missing_cell(kNothingVaries) : Cell{p_text(p), {p}, false};
}

Cell position_cell(const Known<PositionChange>& known) {
  if (!known.value) {
    return missing_cell(known.reason);
  }
  const rag::PositionEffect& own = known.value->own;
  if (std::isnan(own.u.value)) {
    return missing_cell("fewer than three positions");
  }
  return {fmt::format(
              "{}, p {}", interval_text(own.u, kPoints, Sign::kAlways), p_text(own.permutation_p)),
          {own.u.value, unless_nan(own.u.low), unless_nan(own.u.high), own.permutation_p},
          false};
}

Cell extra_cell(const LengthEffect& effect) {
  return effect.extra
             ? interval_cell(effect.extra->slope, kPoints, Sign::kAlways, "nothing to compare")
             : text_cell("\u2013");
}

std::vector<Cell> length_cells(const Known<LengthEffect>& known, std::size_t n_columns) {
  if (!known.value) {
    return std::vector<Cell>(n_columns, missing_cell(known.reason));
  }
  const LengthEffect& effect = *known.value;
  return {interval_cell(effect.own.slope, kPoints, Sign::kAlways, kNothingVaries),
          fit_cell(effect.own),
          cliff_cell(effect),
          raw_p_cell(effect.own.p_value),
          extra_cell(effect)};
}

/// Writes "yes" or "no" into the cells that hold a bare p, after Holm's correction over them.
void judge(Table& table, std::size_t column) {
  std::vector<double> p;
  for (const Row& row : table.rows) {
    p.push_back(row[column].numbers.empty() ? kNaN : row[column].numbers.front().value_or(kNaN));
  }
  const std::vector<double> adjusted = eval::stats::holm_adjusted(p);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (!std::isnan(p[i])) {
      const char* verdict = adjusted[i] < kSignificance ? "yes" : "no";
      table.rows[i][column] = {
          fmt::format("{}, p {}", verdict, p_text(adjusted[i])), {p[i], adjusted[i]}, false};
    }
  }
}

}  // namespace

Table paper_degradation(const Data& data, const PaperRows& rows, int number) {
  const std::vector<Column> of_length = {interval_column("Slope per 1K tokens", "slope"),
                                         {"R²", true, {"r2_answers", "r2_means"}},
                                         {"Cliff (tokens)", true, {"cliff_rule", "cliff_model"}},
                                         {"Degrades?", true, {"p", "p_adjusted"}},
                                         interval_column("Extra slope", "extra_slope")};
  constexpr std::size_t kJudged = 4;
  Table table{paper_id(number),
              paper_title(number, "Degradation with the length of the context", rows),
              degradation_caption(data),
              {name_column(rows)},
              {}};
  table.columns.insert(table.columns.end(), of_length.begin(), of_length.end());
  table.columns.push_back({"Position effect", true, {"u", "u_low", "u_high", "position_p"}});
  for (const Variant* variant : rows.variants) {
    const AnswerEffects& effects = data.effects_of(*variant);
    Row row{text_cell(variant->record.name)};
    std::ranges::move(length_cells(effects.length, of_length.size()), std::back_inserter(row));
    row.push_back(position_cell(effects.position));
    table.rows.push_back(std::move(row));
  }
  judge(table, kJudged);
  return table;
}

}  // namespace nibble::report
