#include "eval/tasks/choice.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"

namespace nibble::eval {
namespace {

/// The choice that a continuation request carries, without the delimiter.
std::string_view choice_of(const Request& request) {
  return std::string_view(std::get<LoglikelihoodRequest>(request).continuation).substr(1);
}

std::size_t arg_max(std::span<const double> values) {
  return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

}  // namespace

ChoiceTask::ChoiceTask(TaskInfo info, std::vector<ChoiceItem> items)
    : info_(std::move(info)), items_(std::move(items)) {
  info_.metrics = {{"acc", "fraction"}, {"acc_norm", "fraction"}};
}

Sample ChoiceTask::sample(std::size_t index) const {
  const ChoiceItem& item = items_.at(index);
  Sample sample;
  sample.index = index;
  sample.id = item.id;
  sample.prompt = item.context;
  sample.target = item.choices.at(item.right);
  for (const std::string& choice : item.choices) {
    sample.requests.emplace_back(LoglikelihoodRequest{item.context, " " + choice});
  }
  return sample;
}

SampleResult ChoiceTask::score(const Sample& sample, std::span<const Response> responses) const {
  NIBBLE_CHECK(responses.size() == sample.requests.size(), "one response for each choice");
  std::vector<double> logprobs;
  std::vector<double> normalized;
  for (std::size_t i = 0; i < responses.size(); ++i) {
    const double logprob = std::get<LoglikelihoodResponse>(responses[i]).logprob;
    const auto n_characters = static_cast<double>(utf8::length(choice_of(sample.requests[i])));
    logprobs.push_back(logprob);
    normalized.push_back(n_characters == 0 ? -HUGE_VAL : logprob / n_characters);
  }
  SampleResult result;
  if (std::ranges::any_of(logprobs, [](double x) { return std::isnan(x); })) {
    result.scores = {{"acc", std::nullopt}, {"acc_norm", std::nullopt}};
    return result;
  }
  const auto is_right = [&](std::size_t chosen) {
    return Contribution{chosen == items_.at(sample.index).right ? 1.0 : 0.0, 1.0};
  };
  const std::size_t chosen = arg_max(logprobs);
  result.scores = {{"acc", is_right(chosen)}, {"acc_norm", is_right(arg_max(normalized))}};
  result.answer = choice_of(sample.requests[chosen]);
  return result;
}

}  // namespace nibble::eval
