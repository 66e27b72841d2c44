#include "study/batches.h"

#include <algorithm>
#include <string_view>
#include <variant>

namespace nibble::study {
namespace {

constexpr std::size_t kTokenBytes = 4;

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

/// Adds up what samples cost one behind the other: a context costs what it does not begin with in
/// common with the one before, as the engine computes that once.
class CostMeter {
 public:
  std::size_t add(const eval::Sample& sample) {
    std::size_t cost = 0;
    for (const eval::Request& request : sample.requests) {
      cost += std::visit([&](const auto& r) { return cost_of(r); }, request);
    }
    return cost;
  }

 private:
  std::size_t context_cost(const std::string& text) {
    const std::size_t cost = text.size() - common_prefix(text, last_context_);
    last_context_ = text;
    return cost;
  }

  std::size_t cost_of(const eval::LoglikelihoodRequest& request) {
    return context_cost(request.context) + request.continuation.size();
  }
  std::size_t cost_of(const eval::GenerationRequest& request) {
    return context_cost(request.prompt) + request.max_tokens * kTokenBytes;
  }
  static std::size_t cost_of(const eval::RollingRequest& request) { return request.text.size(); }
  static std::size_t cost_of(const eval::WindowRequest& request) {
    return request.tokens.size() * kTokenBytes;
  }
  static std::size_t cost_of(const eval::EvidenceRequest& request) {
    return (request.prompt.size() + request.max_tokens) * kTokenBytes;
  }
  static std::size_t cost_of(const eval::DivergenceRequest& request) {
    return request.tokens.size() * kTokenBytes;
  }

  std::string last_context_;
};

}  // namespace

std::size_t sample_cost(const eval::Sample& sample) {
  return CostMeter().add(sample);
}

std::vector<Batch> plan_batches(const eval::Task& task) {
  std::vector<Batch> batches;
  CostMeter meter;
  std::size_t cost = 0;
  for (std::size_t i = 0; i < task.n_samples(); ++i) {
    const eval::Sample sample = task.sample(i);
    const std::size_t added = meter.add(sample);
    const bool fits =
        !batches.empty() && batches.back().n < kMaxBatchSamples && cost + added <= kMaxBatchBytes;
    if (fits) {
      ++batches.back().n;
      cost += added;
    } else {
      batches.push_back({i, 1});
      cost = sample_cost(sample);
    }
  }
  return batches;
}

}  // namespace nibble::study
