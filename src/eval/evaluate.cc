#include "eval/evaluate.h"

#include <algorithm>
#include <limits>

#include "eval/metrics/best_threshold.h"
#include "eval/sample_json.h"
#include "eval/task_file/answer_scores.h"

namespace nibble::eval {
namespace {

/// One of several continuations is wanted, and the score says whether it was chosen.
std::optional<double> chance_of(const Sample& sample, const SampleScores& scores) {
  const std::vector<Request>& requests = sample.requests;
  const bool is_choice =
      requests.size() >= 2 && std::ranges::all_of(requests, [](const Request& request) {
        return std::holds_alternative<LoglikelihoodRequest>(request);
      });
  const auto acc = scores.find("acc");
  if (!is_choice || acc == scores.end() || (acc->second && !is_right_or_wrong(*acc->second))) {
    return std::nullopt;
  }
  return 1.0 / static_cast<double>(requests.size());
}

double standard_error(std::span<const Contribution> answered, Transform transform) {
  std::vector<double> values;
  for (const Contribution& one : answered) {
    if (one.weight != 1 || transform == Transform::kPerLn2) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    values.push_back(one.sum);
  }
  return transform == Transform::kExp ? stats::perplexity_standard_error(values)
                                      : stats::mean_standard_error(values);
}

std::optional<double> score_of(const SampleScores& sample, std::string_view metric) {
  const auto found = sample.find(metric);
  return found != sample.end() && found->second ? std::optional(found->second->sum) : std::nullopt;
}

/// "best_exact" of "exact": had the model kept silent where that is best.
MetricSummary best_of_thresholds(const std::string& metric,
                                 std::span<const SampleScores> scores,
                                 const stats::ResampleOptions& options) {
  std::vector<ThresholdQuestion> questions;
  for (const SampleScores& sample : scores) {
    const auto probability = score_of(sample, kNoAnswerProbability);
    const auto with_answer = score_of(sample, "HasAns_" + metric);
    const auto is_answered = score_of(sample, "NoAns_answered");
    if (probability && (with_answer || is_answered)) {
      questions.push_back(
          {*probability, with_answer.has_value(), with_answer ? *with_answer : -*is_answered});
    }
  }
  return {{"best_" + metric, "fraction"},
          best_over_thresholds(questions, options),
          scores.size() - questions.size(),
          std::numeric_limits<double>::quiet_NaN()};
}

bool has_metric(const TaskInfo& info, std::string_view name) {
  return std::ranges::find(info.metrics, name, &MetricRow::name) != info.metrics.end();
}

}  // namespace

void run_samples(Engine& engine,
                 const Task& task,
                 std::span<const std::size_t> indices,
                 FunctionRef<void(const Sample& sample, const SampleResult& result)> on_sample) {
  struct OpenSample {
    Sample sample;
    std::vector<Response> responses;
    std::size_t n_missing;
  };
  struct Slot {
    std::size_t sample;
    std::size_t response;
  };
  std::vector<OpenSample> open;
  std::vector<Request> requests;
  std::vector<Slot> slots;
  for (const std::size_t index : indices) {
    Sample sample = task.sample(index);
    const std::size_t n = sample.requests.size();
    for (std::size_t k = 0; k < n; ++k) {
      requests.push_back(sample.requests[k]);
      slots.push_back({open.size(), k});
    }
    open.push_back({std::move(sample), std::vector<Response>(n), n});
  }
  engine.answer(requests, [&](std::size_t i, const Response& response) {
    OpenSample& one = open[slots[i].sample];
    one.responses[slots[i].response] = response;
    if (--one.n_missing == 0) {
      on_sample(one.sample, score_sample(task, one.sample, one.responses));
    }
  });
}

SampleResult score_sample(const Task& task,
                          const Sample& sample,
                          std::span<const Response> responses) {
  SampleResult result = task.score(sample, responses);
  for (const Response& response : responses) {
    if (const auto* scored = std::get_if<LoglikelihoodResponse>(&response)) {
      result.n_cut_tokens += scored->n_cut_tokens;
    } else if (const auto* generated = generation_of(response)) {
      result.hit_limit = result.hit_limit || generated->hit_limit;
      result.n_cut_tokens += generated->n_cut_tokens;
    }
  }
  result.flags = find_flags(sample.requests, responses);
  result.chance = chance_of(sample, result.scores);
  result.responses = responses_json(responses);
  return result;
}

std::vector<MetricSummary> summarize(const TaskInfo& info,
                                     std::span<const SampleScores> scores,
                                     const stats::ResampleOptions& options) {
  std::vector<MetricSummary> summaries;
  for (const MetricRow& metric : info.metrics) {
    std::vector<Contribution> answered;
    std::size_t n_unanswered = 0;
    for (const SampleScores& sample : scores) {
      const auto found = sample.find(metric.name);
      if (found != sample.end() && found->second) {
        answered.push_back(*found->second);
      } else if (found != sample.end()) {
        ++n_unanswered;
      }
    }
    summaries.push_back({metric,
                         stats::metric_interval(answered, metric.transform, options),
                         n_unanswered,
                         standard_error(answered, metric.transform)});
  }
  if (has_metric(info, kNoAnswerProbability) && has_metric(info, "NoAns_answered")) {
    summaries.push_back(best_of_thresholds("exact", scores, options));
    summaries.push_back(best_of_thresholds("f1", scores, options));
  }
  return summaries;
}

}  // namespace nibble::eval
