#include "report/advice/front.h"

#include <optional>

namespace nibble::report {
namespace {

/// Less is better in all of them.
std::vector<std::optional<double>> numbers_of(const Facts& facts,
                                              const std::vector<CountedTask>& tasks) {
  std::vector<std::optional<double>> out{
      facts.memory.value ? facts.memory.value : facts.memory.least,
      facts.first_token.value,
      facts.decode.value,
      facts.energy.value};
  for (const CountedTask& task : tasks) {
    out.push_back(facts.losses[task.index].seen);
  }
  return out;
}

}  // namespace

bool dominates(const Facts& a, const Facts& b, const std::vector<CountedTask>& tasks) {
  const auto of_a = numbers_of(a, tasks);
  const auto of_b = numbers_of(b, tasks);
  bool is_better = false;
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if (of_a[i].has_value() != of_b[i].has_value()) {
      return false;
    }
    if (of_a[i] && *of_a[i] > *of_b[i]) {
      return false;
    }
    is_better = is_better || (of_a[i] && *of_a[i] < *of_b[i]);
  }
  return is_better;
}

std::vector<std::vector<std::size_t>> dominators(const std::vector<Facts>& facts,
                                                 const std::vector<CountedTask>& tasks) {
  std::vector<std::vector<std::size_t>> all(facts.size());
  for (std::size_t b = 0; b < facts.size(); ++b) {
    for (std::size_t a = 0; a < facts.size(); ++a) {
      if (dominates(facts[a], facts[b], tasks)) {
        all[b].push_back(a);
      }
    }
  }
  std::vector<std::vector<std::size_t>> out(facts.size());
  for (std::size_t b = 0; b < facts.size(); ++b) {
    for (const std::size_t a : all[b]) {
      if (all[a].empty()) {
        out[b].push_back(a);
      }
    }
  }
  return out;
}

}  // namespace nibble::report
