#include "eval/metrics/choice.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace nibble::eval {
namespace {

template <class LengthOf>
std::size_t likeliest(std::span<const double> logprobs,
                      std::span<const std::string> choices,
                      LengthOf length_of) {
  std::vector<double> values;
  for (std::size_t i = 0; i < logprobs.size(); ++i) {
    const auto length = static_cast<double>(length_of(choices[i]));
    values.push_back(length == 0 ? -HUGE_VAL : logprobs[i] / length);
  }
  return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

double belief_in_right(std::span<const double> logprobs, const std::vector<bool>& is_right) {
  const double highest = std::ranges::max(logprobs);
  double right = 0;
  double all = 0;
  for (std::size_t i = 0; i < logprobs.size(); ++i) {
    const double share = std::exp(logprobs[i] - highest);
    all += share;
    right += is_right[i] ? share : 0;
  }
  return right / all;
}

}  // namespace

std::optional<ChoiceScores> score_choice(std::span<const double> logprobs,
                                         std::span<const std::string> choices,
                                         const std::vector<bool>& is_right) {
  if (std::ranges::any_of(logprobs, [](double x) { return std::isnan(x); })) {
    return std::nullopt;
  }
  const auto truth = [&](std::size_t chosen) { return is_right[chosen] ? 1.0 : 0.0; };
  ChoiceScores out;
  out.chosen = likeliest(logprobs, choices, [](const std::string&) { return 1; });
  out.acc = truth(out.chosen);
  out.acc_norm = truth(
      likeliest(logprobs, choices, [](const std::string& text) { return utf8::length(text); }));
  out.acc_bytes =
      truth(likeliest(logprobs, choices, [](const std::string& text) { return text.size(); }));
  out.belief = belief_in_right(logprobs, is_right);
  return out;
}

}  // namespace nibble::eval
