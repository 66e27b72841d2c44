#include "eval/tasks/reading.h"

#include "base/check.h"
#include "base/utf8.h"
#include "eval/metrics/reading.h"

namespace nibble::eval {

ReadingTask::ReadingTask(TaskInfo info, std::vector<ReadingItem> items, std::size_t max_tokens)
    : info_(std::move(info)), items_(std::move(items)), max_tokens_(max_tokens) {
  info_.metrics = {{"f1", "fraction"}, {"exact_match", "fraction"}, {"contains", "fraction"}};
}

Sample ReadingTask::sample(std::size_t index) const {
  const ReadingItem& item = items_.at(index);
  Sample sample;
  sample.index = index;
  sample.id = item.id;
  sample.prompt = item.prompt;
  sample.target = item.answers.empty() ? "" : item.answers.front();
  sample.requests.emplace_back(GenerationRequest{item.prompt, max_tokens_, {"\n"}});
  return sample;
}

SampleResult ReadingTask::score(const Sample& sample, std::span<const Response> responses) const {
  NIBBLE_CHECK(responses.size() == 1, "one response for each question");
  const auto& response = std::get<GenerationResponse>(responses.front());
  if (!response.is_answered) {
    SampleResult result;
    result.scores = {{"f1", {}}, {"exact_match", {}}, {"contains", {}}};
    return result;
  }
  const std::string& text = response.text;
  const ReadingScores scores = score_reading(text, items_.at(sample.index).answers);
  SampleResult result;
  result.scores = {{"f1", Contribution{scores.f1, 1}},
                   {"exact_match", Contribution{scores.exact_match, 1}},
                   {"contains", Contribution{scores.contains, 1}}};
  result.answer = utf8::strip(text);
  return result;
}

}  // namespace nibble::eval
