#include "eval/tasks/documents.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kPromptBytes = 200;  // enough for a person to recognise the document

std::string beginning(std::string_view text) {
  if (text.size() <= kPromptBytes) {
    return std::string(text);
  }
  const std::string_view head = text.substr(0, kPromptBytes);
  return std::string(head.substr(0, utf8::complete_prefix(head))) + " …";
}

}  // namespace

DocumentTask::DocumentTask(TaskInfo info,
                           std::string_view headline,
                           std::vector<Document> documents,
                           std::size_t max_window)
    : info_(std::move(info)), documents_(std::move(documents)), max_window_(max_window) {
  info_.metrics = {
      {"word_perplexity", "perplexity", Direction::kLower, Transform::kExp},
      {"byte_perplexity", "perplexity", Direction::kLower, Transform::kExp},
      {"bits_per_byte", "bits/byte", Direction::kLower, Transform::kPerLn2},
      {"perplexity", "perplexity", Direction::kLower, Transform::kExp},
  };
  const auto first = std::ranges::find(info_.metrics, headline, &MetricRow::name);
  NIBBLE_CHECK(first != info_.metrics.end(), "the headline is one of the metrics");
  std::rotate(info_.metrics.begin(), first, first + 1);
}

Sample DocumentTask::sample(std::size_t index) const {
  const Document& document = documents_.at(index);
  Sample sample;
  sample.index = index;
  sample.id = document.id;
  sample.prompt = beginning(document.text);
  sample.requests.emplace_back(RollingRequest{document.text, max_window_});
  return sample;
}

SampleResult DocumentTask::score(const Sample& sample, std::span<const Response> responses) const {
  NIBBLE_CHECK(responses.size() == 1, "one response for each document");
  const Document& document = documents_.at(sample.index);
  const auto& response = std::get<LoglikelihoodResponse>(responses.front());
  const double nll = -response.logprob;
  const bool answered = std::isfinite(nll) && response.n_tokens > 0;
  const auto per = [&](std::size_t count) {
    return answered && count > 0 ? std::optional(Contribution{nll, static_cast<double>(count)})
                                 : std::nullopt;
  };
  SampleResult result;
  result.scores = {{"word_perplexity", per(document.n_words)},
                   {"byte_perplexity", per(document.n_bytes)},
                   {"bits_per_byte", per(document.n_bytes)},
                   {"perplexity", per(response.n_tokens)}};
  if (answered) {
    result.answer =
        fmt::format("{:.4f} nats a token", nll / static_cast<double>(response.n_tokens));
  }
  return result;
}

}  // namespace nibble::eval
