/// Scores of a few questions at four lengths, for tests of context degradation.
#pragma once

#include <array>
#include <vector>

#include "rag/attention/degradation.h"

namespace nibble::rag::testing {

inline constexpr std::array<double, 4> kLengths = {512, 1024, 2048, 4096};

inline std::vector<LengthScore> at_lengths(const std::vector<std::array<double, 4>>& questions) {
  std::vector<LengthScore> out;
  for (std::size_t q = 0; q < questions.size(); ++q) {
    for (std::size_t i = 0; i < kLengths.size(); ++i) {
      out.push_back({q, kLengths[i], questions[q][i]});
    }
  }
  return out;
}

}  // namespace nibble::rag::testing
