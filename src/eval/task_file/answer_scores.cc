#include "eval/task_file/answer_scores.h"

#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/error.h"
#include "eval/metrics/drop.h"
#include "eval/metrics/reading.h"

namespace nibble::eval {
namespace {

using Contributions = std::vector<Contribution>;

struct AnswerMetric {
  std::string_view name;
  std::vector<std::string_view> scores;
  Contributions (*score)(const TaskDefinition& task,
                         const Question& question,
                         std::string_view text);
};

Contributions exact_match(const TaskDefinition& task,
                          const Question& question,
                          std::string_view text) {
  return {{is_exact_match(text, question.targets, task.exact_match) ? 1.0 : 0.0}};
}

Contributions f1(const TaskDefinition&, const Question& question, std::string_view text) {
  return {{score_reading(text, question.targets).f1}};
}

Contributions contains(const TaskDefinition&, const Question& question, std::string_view text) {
  return {{score_reading(text, question.targets).contains}};
}

Contributions drop(const TaskDefinition&, const Question& question, std::string_view text) {
  std::vector<std::vector<std::string>> wanted;
  for (const text::jinja::Value& answer : *question.target.list()) {
    std::vector<std::string>& spans = wanted.emplace_back();
    for (const text::jinja::Value& span : *answer.list()) {
      spans.push_back(text::jinja::to_text(span));
    }
  }
  const DropScores scores = score_drop(text, wanted);
  return {{scores.em}, {scores.f1}};
}

Contributions coqa(const TaskDefinition&, const Question& question, std::string_view text) {
  const ReadingScores scores = score_coqa(text, question.targets);
  return {{scores.exact_match}, {scores.f1}};
}

Contributions squadv2(const TaskDefinition&, const Question& question, std::string_view text) {
  const ReadingScores scores = score_reading(text, question.targets);
  const bool has_answer = !question.target.list()->empty();
  const double weight_has = has_answer ? 1 : 0;
  const double weight_no = has_answer ? 0 : 1;
  return {{scores.exact_match},
          {scores.f1},
          {scores.exact_match * weight_has, weight_has},
          {scores.f1 * weight_has, weight_has},
          {scores.exact_match * weight_no, weight_no},
          {scores.f1 * weight_no, weight_no}};
}

const AnswerMetric& find_metric(std::string_view name) {
  static const std::vector<AnswerMetric> kMetrics = {
      {"exact_match", {"exact_match"}, exact_match},
      {"f1", {"f1"}, f1},
      {"contains", {"contains"}, contains},
      {"drop", {"em", "f1"}, drop},
      {"coqa", {"em", "f1"}, coqa},
      {"squadv2",
       {"exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1"},
       squadv2}};
  const auto found = std::ranges::find(kMetrics, name, &AnswerMetric::name);
  NIBBLE_CHECK(found != kMetrics.end(), "the task file's metrics are known");
  return *found;
}

std::span<const NamedFilter> filters_of(const TaskDefinition& task) {
  static const NamedFilter kAsItStands{"none", {}, false};
  return task.filters.empty() ? std::span(&kAsItStands, 1) : std::span(task.filters);
}

std::string row_name(const TaskDefinition& task,
                     std::string_view score,
                     const NamedFilter& filter) {
  return task.filters.size() < 2 ? std::string(score) : fmt::format("{},{}", score, filter.name);
}

}  // namespace

void check_target(const TaskDefinition& task, const Question& question, std::string_view where) {
  const auto uses = [&](std::string_view metric) {
    return std::ranges::find(task.metrics, metric) != task.metrics.end();
  };
  const text::jinja::List* list = question.target.list();
  if ((uses("squadv2") || uses("drop")) && list == nullptr) {
    raise(ErrorCode::kCorruptData, "{}: 'target' gives no list of answers", where);
  }
  if (uses("drop") && !std::ranges::all_of(*list, &text::jinja::Value::is_list)) {
    raise(ErrorCode::kCorruptData, "{}: 'target' gives no list of lists of spans", where);
  }
}

std::vector<MetricRow> answer_metric_rows(const TaskDefinition& task) {
  std::vector<MetricRow> rows;
  for (const std::string& metric : task.metrics) {
    for (const NamedFilter& filter : filters_of(task)) {
      for (const std::string_view score : find_metric(metric).scores) {
        rows.push_back({row_name(task, score, filter), "fraction"});
      }
    }
  }
  return rows;
}

SampleScores score_answer(const TaskDefinition& task,
                          const Question& question,
                          const std::optional<std::string>& text) {
  SampleScores out;
  for (const std::string& name : task.metrics) {
    const AnswerMetric& metric = find_metric(name);
    for (const NamedFilter& filter : filters_of(task)) {
      Contributions found;
      if (text) {
        found = metric.score(task, question, filter.apply(*text));
      }
      for (std::size_t i = 0; i < metric.scores.size(); ++i) {
        out[row_name(task, metric.scores[i], filter)] =
            text ? std::optional(found[i]) : std::nullopt;
      }
    }
  }
  return out;
}

}  // namespace nibble::eval
