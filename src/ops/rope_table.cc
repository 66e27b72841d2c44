#include "ops/rope_table.h"

#include <cmath>

#include "codec/kv/page.h"

namespace nibble::ops {

void RopeTable::cover(std::size_t n_positions) {
  constexpr std::size_t kTokens = codec::kKvPageTokens;
  const std::size_t half = inverse_frequency_.size();
  while (pages_.size() * kTokens < n_positions) {
    auto page = std::make_unique<float[]>(2 * half * kTokens);
    for (std::size_t i = 0; i < half; ++i) {
      for (std::size_t t = 0; t < kTokens; ++t) {
        const auto position = static_cast<float>(pages_.size() * kTokens + t);
        const float angle = position * inverse_frequency_[i];
        page[i * kTokens + t] = std::cos(angle);
        page[(half + i) * kTokens + t] = std::sin(angle);
      }
    }
    pages_.push_back(page.get());
    storage_.push_back(std::move(page));
  }
}

}  // namespace nibble::ops
