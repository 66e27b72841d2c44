#include "report/advice/front.h"

#include <optional>

namespace nibble::report {
namespace {

using Numbers = std::vector<std::optional<double>>;

/// Less is better in all of them.
Numbers numbers_of(const Facts& facts, const std::vector<CountedTask>& tasks) {
  Numbers out{facts.memory.value ? facts.memory.value : facts.memory.least,
              facts.first_token.value,
              facts.decode.value,
              facts.energy.value};
  for (const CountedTask& task : tasks) {
    out.push_back(facts.losses[task.index].seen);
  }
  return out;
}

bool are_better(const Numbers& a, const Numbers& b) {
  bool is_better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].has_value() != b[i].has_value()) {
      return false;
    }
    if (a[i] && *a[i] > *b[i]) {
      return false;
    }
    is_better = is_better || (a[i] && *a[i] < *b[i]);
  }
  return is_better;
}

}  // namespace

bool dominates(const Facts& a, const Facts& b, const std::vector<CountedTask>& tasks) {
  return are_better(numbers_of(a, tasks), numbers_of(b, tasks));
}

std::vector<std::vector<std::size_t>> dominators(const std::vector<Facts>& facts,
                                                 const std::vector<CountedTask>& tasks) {
  std::vector<Numbers> numbers;
  for (const Facts& one : facts) {
    numbers.push_back(numbers_of(one, tasks));
  }
  std::vector<std::vector<std::size_t>> all(facts.size());
  for (std::size_t b = 0; b < facts.size(); ++b) {
    for (std::size_t a = 0; a < facts.size(); ++a) {
      if (are_better(numbers[a], numbers[b])) {
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
