#include "model/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace nibble::model {

std::int32_t TokenSampler::choose(std::span<const float> logits, std::int32_t most_probable) {
  if (sampling_.temperature <= 0) {
    return most_probable;
  }
  const double total = keep_most_probable(logits, logits[static_cast<std::size_t>(most_probable)]);
  double left = next_uniform() * total;
  for (const Candidate& candidate : candidates_) {
    left -= candidate.weight;
    if (left < 0) {
      return candidate.token;
    }
  }
  return candidates_.front().token;  // the sum was rounded down
}

double TokenSampler::keep_most_probable(std::span<const float> logits, float largest) {
  candidates_.clear();
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp((static_cast<double>(logits[i]) - static_cast<double>(largest)) /
                                   sampling_.temperature);
    if (weight > 0) {  // not for a NaN
      candidates_.push_back({static_cast<std::int32_t>(i), weight});
      total += weight;
    }
  }
  const double wanted = sampling_.top_p * total;
  if (sampling_.top_p >= 1) {
    return total;
  }
  // All tokens below this weight together have less than 1 - top_p: none of them is kept.
  const double least = (total - wanted) / static_cast<double>(candidates_.size());
  std::erase_if(candidates_, [least](const Candidate& one) { return one.weight < least; });
  std::ranges::stable_sort(candidates_, std::ranges::greater{}, &Candidate::weight);
  double sum = 0;
  std::size_t n_kept = 0;
  while (n_kept < candidates_.size() && (n_kept == 0 || sum < wanted)) {
    sum += candidates_[n_kept++].weight;
  }
  candidates_.resize(n_kept);
  return sum;
}

double TokenSampler::next_uniform() noexcept {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  mixed ^= mixed >> 31;
  return static_cast<double>(mixed >> 11) * 0x1.0p-53;
}

}  // namespace nibble::model
