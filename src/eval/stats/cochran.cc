#include "eval/stats/cochran.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/nan.h"
#include "eval/stats/tails.h"

namespace nibble::eval::stats {

CochranTest cochran_q(std::span<const double> scores, std::size_t n_conditions) {
  if (n_conditions == 0 || scores.size() % n_conditions != 0 ||
      !std::ranges::all_of(scores, [](double x) { return x == 0.0 || x == 1.0; })) {
    raise(
        ErrorCode::kInvalidArgument,
        "Cochran's Q: {} scores under {} conditions, wanted a 0 or 1 of every question under each",
        scores.size(),
        n_conditions);
  }
  std::vector<double> of_condition(n_conditions);
  double sum = 0.0;
  double question_squares = 0.0;
  for (std::size_t at = 0; at < scores.size(); at += n_conditions) {
    double of_question = 0.0;
    for (std::size_t j = 0; j < n_conditions; ++j) {
      of_condition[j] += scores[at + j];
      of_question += scores[at + j];
    }
    sum += of_question;
    question_squares += of_question * of_question;
  }
  double condition_squares = 0.0;
  for (const double g : of_condition) {
    condition_squares += g * g;
  }
  const auto k = static_cast<double>(n_conditions);
  const double changes = k * sum - question_squares;
  if (n_conditions < 2 || changes == 0.0) {
    return {kNaN, kNaN};
  }
  const double q = (k - 1) * (k * condition_squares - sum * sum) / changes;
  return {q, chi_squared_upper(q, k - 1)};
}

}  // namespace nibble::eval::stats
