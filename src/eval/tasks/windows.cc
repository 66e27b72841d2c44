#include "eval/tasks/windows.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace nibble::eval {

std::vector<TokenWindow> stride_windows(std::size_t n_tokens,
                                        std::size_t length,
                                        std::size_t stride) {
  NIBBLE_CHECK(0 < stride && stride < length, "windows would leave tokens out");
  std::vector<TokenWindow> windows;
  std::size_t reached = 0;
  for (std::size_t begin = 0; reached < n_tokens; begin += stride) {
    const std::size_t end = std::min(begin + length, n_tokens);
    const std::size_t first = std::max(reached, begin + 1);
    if (first < end) {
      windows.push_back({begin, end, first});
    }
    reached = end;
  }
  return windows;
}

std::vector<TokenWindow> disjoint_windows(std::size_t n_tokens, std::size_t length) {
  std::vector<TokenWindow> windows;
  for (std::size_t begin = 0; begin + length <= n_tokens; begin += length) {
    windows.push_back({begin, begin + length, begin + 1});
  }
  return windows;
}

WindowTask::WindowTask(TaskInfo info,
                       WindowProtocol protocol,
                       std::vector<text::TokenId> tokens,
                       std::vector<TokenWindow> windows)
    : info_(std::move(info)),
      protocol_(protocol),
      tokens_(std::move(tokens)),
      windows_(std::move(windows)) {
  const auto row = [](std::string name) {
    return MetricRow{std::move(name), "perplexity", Direction::kLower, Transform::kExp};
  };
  info_.metrics = {row("perplexity")};
  if (protocol_ == WindowProtocol::kStride) {
    info_.metrics.push_back(row("perplexity_hf_weights"));
  }
}

Sample WindowTask::sample(std::size_t index) const {
  const TokenWindow& window = windows_.at(index);
  const auto at = [&](std::size_t i) { return tokens_.begin() + static_cast<std::ptrdiff_t>(i); };
  Sample sample;
  sample.index = index;
  sample.id = fmt::format("{}-{}", window.begin, window.end);
  sample.prompt = fmt::format(
      "tokens {} to {} of the text, scored from {}", window.begin, window.end, window.first_scored);
  sample.requests.emplace_back(
      WindowRequest{{at(window.begin), at(window.end)}, window.first_scored - window.begin});
  return sample;
}

SampleResult WindowTask::score(const Sample& sample, std::span<const Response> responses) const {
  NIBBLE_CHECK(responses.size() == 1, "one response for each window");
  const auto& response = std::get<LoglikelihoodResponse>(responses.front());
  const double nll = -response.logprob;
  const auto n_scored = static_cast<double>(response.n_tokens);
  SampleResult result;
  if (!std::isfinite(nll)) {
    for (const MetricRow& metric : info_.metrics) {
      result.scores[metric.name] = std::nullopt;
    }
    return result;
  }
  result.answer = fmt::format("{:.4f} nats a token", nll / n_scored);
  if (protocol_ == WindowProtocol::kDisjoint) {
    result.scores["perplexity"] = Contribution{nll / n_scored, 1};
    return result;
  }
  // The published code counts the labels of a window and takes one off, which is right for the
  // first window only.
  const TokenWindow& window = windows_.at(sample.index);
  const double n_labels = window.begin == 0 ? n_scored + 1 : n_scored;
  result.scores["perplexity"] = Contribution{nll, n_scored};
  if (n_labels > 1) {
    result.scores["perplexity_hf_weights"] =
        Contribution{nll / n_scored * (n_labels - 1), n_labels - 1};
  } else {
    result.scores["perplexity_hf_weights"] = std::nullopt;
  }
  return result;
}

}  // namespace nibble::eval
