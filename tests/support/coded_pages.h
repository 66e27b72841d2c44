/// Pages of one sequence in a key/value scheme, and tables that a scheme may need, for tests of
/// attention over coded keys and values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "codec/kv/page.h"
#include "ops/attention.h"
#include "ops/rope.h"

namespace nibble::testing {

inline std::vector<float> normal_values(std::size_t n, float spread, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> out(n);
  std::ranges::generate(out, [&] { return normal(random); });
  return out;
}

/// Room for `n_tokens`, filled with what nobody should read.
class CodedPages {
 public:
  CodedPages(const ops::AttentionShape& shape, std::size_t n_tokens) {
    const codec::KvScheme& scheme = *shape.coding->scheme;
    const codec::KvShape kv{shape.n_kv_heads, shape.head_dim};
    const std::size_t n_pages = ceil_div(n_tokens, codec::kKvPageTokens);
    const std::size_t key_bytes = codec::kv_layout(scheme.keys, kv).n_bytes;
    const std::size_t value_bytes = codec::kv_layout(scheme.values, kv).n_bytes;
    const std::size_t n_floats = ops::float_tokens(scheme) * kv.width();
    bytes_.assign(n_pages * (key_bytes + value_bytes), 0x55);
    floats_.assign(n_pages * 2 * n_floats, -3e30F);
    for (std::size_t i = 0; i < n_pages; ++i) {
      std::uint8_t* const page = bytes_.data() + i * (key_bytes + value_bytes);
      pages_.push_back({page, page + key_bytes});
      float* const beside = floats_.data() + i * 2 * n_floats;
      float_pages_.push_back({beside, beside + n_floats});
    }
  }

  [[nodiscard]] ops::AttentionSequence sequence(std::size_t start, std::size_t n) const {
    return {0, n, start, pages_, float_pages_};
  }
  [[nodiscard]] const std::vector<ops::KvPageView>& pages() const { return pages_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<float> floats_;
  std::vector<ops::KvPageView> pages_, float_pages_;
};

/// Levels and limits for normally distributed channels.
inline codec::KvTables normal_tables(const codec::KvShape& shape, std::size_t bits) {
  codec::KvTables tables;
  const std::size_t n = std::size_t{1} << bits;
  for (std::size_t i = 0; i < n; ++i) {
    const float x = (2.0F * static_cast<float>(i) + 1.0F) / static_cast<float>(n) - 1.0F;
    tables.key_levels.push_back(x * (0.5F + 0.5F * x * x));
    tables.value_levels.push_back(x * (0.6F + 0.4F * x * x));
  }
  for (std::size_t i = 0; i < shape.width(); ++i) {
    const float shift = static_cast<float>(i % 7) * 0.1F;
    tables.key_limits.push_back({shift - 2.2F, shift + 2.0F});
  }
  return codec::complete_tables(std::move(tables));
}

/// A scheme with all that it needs.
struct Coding {
  Coding(const codec::KvScheme& scheme, const codec::KvShape& shape)
      : tables(scheme.needs_tables() ? normal_tables(shape, scheme.keys.bits) : codec::KvTables{}),
        rotations(ops::rope_inverse_frequencies(shape.head_dim, 10000.0F, {})),
        view{&scheme,
             scheme.needs_tables() ? &tables : nullptr,
             scheme.keys_before_rope ? &rotations : nullptr} {}
  Coding(const Coding&) = delete;
  Coding& operator=(const Coding&) = delete;

  codec::KvTables tables;
  ops::RopeTable rotations;
  ops::KvCoding view;
};

}  // namespace nibble::testing
