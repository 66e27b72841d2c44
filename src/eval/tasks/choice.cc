#include "eval/tasks/choice.h"

#include "base/check.h"
#include "eval/metrics/choice.h"

namespace nibble::eval {
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
  sample.label = fmt::format("{}", item.right);
  sample.document = item.document;
  for (const std::string& choice : item.choices) {
    sample.requests.emplace_back(LoglikelihoodRequest{item.context, " " + choice});
  }
  return sample;
}

SampleResult ChoiceTask::score(const Sample& sample, std::span<const Response> responses) const {
  NIBBLE_CHECK(responses.size() == sample.requests.size(), "one response for each choice");
  const ChoiceItem& item = items_.at(sample.index);
  std::vector<double> logprobs;
  for (const Response& response : responses) {
    logprobs.push_back(std::get<LoglikelihoodResponse>(response).logprob);
  }
  std::vector<bool> is_right(item.choices.size(), false);
  is_right[item.right] = true;
  SampleResult result;
  const auto scores = score_choice(logprobs, item.choices, is_right);
  if (!scores) {
    result.scores = {{"acc", std::nullopt}, {"acc_norm", std::nullopt}};
    return result;
  }
  result.scores = {{"acc", Contribution{scores->acc}},
                   {"acc_norm", Contribution{scores->acc_norm}}};
  result.answer = item.choices[scores->chosen];
  return result;
}

}  // namespace nibble::eval
