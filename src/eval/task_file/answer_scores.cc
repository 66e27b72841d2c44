#include "eval/task_file/answer_scores.h"

#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/error.h"
#include "eval/metrics/drop.h"
#include "eval/metrics/reading.h"

namespace nibble::eval {
namespace {

/// nullopt: the question does not count for this score.
using Contributions = std::vector<std::optional<Contribution>>;

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
  return {Contribution{is_exact_match(text, question.targets, task.exact_match) ? 1.0 : 0.0}};
}

Contributions f1(const TaskDefinition&, const Question& question, std::string_view text) {
  return {Contribution{score_reading(text, question.targets).f1}};
}

Contributions contains(const TaskDefinition&, const Question& question, std::string_view text) {
  return {Contribution{score_reading(text, question.targets).contains}};
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
  return {Contribution{scores.em}, Contribution{scores.f1}};
}

Contributions coqa(const TaskDefinition&, const Question& question, std::string_view text) {
  const ReadingScores scores = score_coqa(text, question.targets);
  return {Contribution{scores.exact_match}, Contribution{scores.f1}};
}

Contributions squadv2(const TaskDefinition&, const Question& question, std::string_view text) {
  const ReadingScores scores = score_reading(text, question.targets);
  const Contributions both = {Contribution{scores.exact_match}, Contribution{scores.f1}};
  const Contributions neither(both.size());
  const std::optional<Contribution> is_answered(Contribution{text.empty() ? 0.0 : 1.0});
  const bool has_answer = !question.target.list()->empty();
  Contributions out = both;
  for (const Contributions& part : {has_answer ? both : neither, has_answer ? neither : both}) {
    out.insert(out.end(), part.begin(), part.end());
  }
  out.push_back(has_answer ? std::nullopt : is_answered);
  return out;
}

const AnswerMetric& find_metric(std::string_view name) {
  static const std::vector<AnswerMetric> kMetrics = {
      {"exact_match", {"exact_match"}, exact_match},
      {"f1", {"f1"}, f1},
      {"contains", {"contains"}, contains},
      {"drop", {"em", "f1"}, drop},
      {"coqa", {"em", "f1"}, coqa},
      {"squadv2",
       {"exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1", "NoAns_answered"},
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
        rows.push_back({row_name(task, score, filter),
                        "fraction",
                        score == "NoAns_answered" ? Direction::kLower : Direction::kHigher});
      }
    }
  }
  if (!task.generation.also_scored.empty()) {
    rows.push_back({std::string(kNoAnswerProbability), "fraction"});
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
      const Contributions found =
          metric.score(task, question, text ? filter.apply(*text) : std::string());
      for (std::size_t i = 0; i < metric.scores.size(); ++i) {
        if (found[i]) {
          out[row_name(task, metric.scores[i], filter)] = text ? found[i] : std::nullopt;
        }
      }
    }
  }
  return out;
}

}  // namespace nibble::eval
