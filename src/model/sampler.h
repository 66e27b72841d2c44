/// Chooses the next token from logits: the most probable one, or one by chance.
///
///   p = softmax(logits / temperature); of the tokens by descending p, the fewest whose p sum to at
///   least top_p are kept, and one of them is drawn in proportion to p
///
/// Every sequence has a sampler of its own, so what is drawn depends on seed and logits and not on
/// the sequences that run beside it.
///
/// Shapes     logits [vocab]
/// Precision  probabilities in float64; one draw of 53 bits a token
/// Threads    one sampler, one thread
/// Errors     none; callers check temperature and top_p
/// Source     Holtzman et al. 2020, arXiv 1904.09751 (top-p); Steele et al. 2014, SplitMix64
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nibble::model {

struct Sampling {
  double temperature = 0;  ///< 0: the most probable token, nothing is drawn
  double top_p = 1;        ///< in (0, 1]
  std::uint64_t seed = 0;
};

class TokenSampler {
 public:
  explicit TokenSampler(const Sampling& sampling = {}) noexcept
      : sampling_(sampling), state_(sampling.seed) {}

  /// `most_probable` is the number of the largest logit, which is finite.
  std::int32_t choose(std::span<const float> logits, std::int32_t most_probable);

 private:
  struct Candidate {
    std::int32_t token;
    double weight;
  };

  /// In [0, 1).
  double next_uniform() noexcept;
  /// Fills `candidates_`; the sum of their weights.
  double keep_most_probable(std::span<const float> logits, float largest);

  Sampling sampling_;
  std::uint64_t state_;
  std::vector<Candidate> candidates_;
};

}  // namespace nibble::model
