#include "study/batches.h"

#include <set>
#include <string_view>
#include <type_traits>
#include <variant>

namespace nibble::study {
namespace {

constexpr std::size_t kTokenBytes = 4;

}  // namespace

std::size_t sample_cost(const eval::Sample& sample) {
  std::set<std::string_view> contexts;
  std::size_t cost = 0;
  const auto add_context = [&](const std::string& text) {
    cost += contexts.insert(text).second ? text.size() : 0;
  };
  for (const eval::Request& request : sample.requests) {
    std::visit(
        [&](const auto& r) {
          using R = std::decay_t<decltype(r)>;
          if constexpr (std::is_same_v<R, eval::LoglikelihoodRequest>) {
            add_context(r.context);
            cost += r.continuation.size();
          } else if constexpr (std::is_same_v<R, eval::RollingRequest>) {
            cost += r.text.size();
          } else if constexpr (std::is_same_v<R, eval::WindowRequest> ||
                               std::is_same_v<R, eval::DivergenceRequest>) {
            cost += r.tokens.size() * kTokenBytes;
          } else {
            add_context(r.prompt);
            cost += r.max_tokens * kTokenBytes;
          }
        },
        request);
  }
  return cost;
}

std::vector<Batch> plan_batches(const eval::Task& task) {
  std::vector<Batch> batches;
  std::size_t cost = 0;
  for (std::size_t i = 0; i < task.n_samples(); ++i) {
    const std::size_t added = sample_cost(task.sample(i));
    const bool fits =
        !batches.empty() && batches.back().n < kMaxBatchSamples && cost + added <= kMaxBatchBytes;
    if (fits) {
      ++batches.back().n;
      cost += added;
    } else {
      batches.push_back({i, 1});
      cost = added;
    }
  }
  return batches;
}

}  // namespace nibble::study
