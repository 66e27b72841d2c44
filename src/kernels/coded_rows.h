/// What the fast attention kernels over coded keys and values share: which rows see what of a tile,
/// and where its parts lie.
///
/// Everything is in an unnamed namespace: each kernel file compiles its own copy for its own
/// instruction set.
///
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"
#include "kernels/attention_rows.h"

namespace nibble::kernels {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

/// Tiles lie within pages: the one that starts at `first`.
struct CodedTile {
  std::size_t page;
  std::size_t slot;
  std::size_t first;
  std::size_t n;
};

inline bool sees_coded_keys(const CodedKv& kv,
                            const AttentionRow& row,
                            std::size_t first) noexcept {
  return kv.residual == 0 || first < row.position - row.position % kv.residual;
}

/// How many of the rows, whose positions ascend, see the keys from `first` on as floats: the first
/// ones.
inline std::size_t n_float_rows(const CodedKv& kv,
                                const AttentionRow* rows,
                                std::size_t n,
                                std::size_t first) noexcept {
  std::size_t n_float = 0;
  while (n_float < n && !sees_coded_keys(kv, rows[n_float], first)) {
    ++n_float;
  }
  return n_float;
}

/// How many values of a tile the row sees coded; the others are floats.
inline std::size_t n_coded_values(const CodedKv& kv,
                                  const AttentionRow& row,
                                  const CodedTile& tile) noexcept {
  if (kv.residual == 0) {
    return tile.n;
  }
  const std::size_t end = row.position > kv.residual ? row.position - kv.residual : 0;
  const std::size_t n = end > tile.first ? end - tile.first : 0;
  return n < tile.n ? n : tile.n;
}

inline const std::uint8_t* bytes_at(const void* block, std::size_t offset) noexcept {
  return static_cast<const std::uint8_t*>(block) + offset;
}

template <class T>
T load_item(const std::uint8_t* items, std::size_t index) noexcept {
  T out;
  __builtin_memcpy(&out, items + index * sizeof out, sizeof out);
  return out;
}

/// Calls put(slot, dim, half) for the entries of a tile's head that were kept exactly.
template <class Put>
void for_outliers(const CodedKv& kv,
                  const std::uint8_t* ends,
                  const CodedTile& tile,
                  const Put& put) noexcept {
  const std::size_t first = kv.head * kv.shape.head_dim;
  std::size_t i = tile.slot == 0 ? 0 : load_item<std::uint16_t>(ends, tile.slot - 1);
  const std::uint8_t* const entries = ends + codec::kKvPageTokens * sizeof(std::uint16_t);
  for (std::size_t t = 0; t < tile.n; ++t) {
    const std::size_t end = load_item<std::uint16_t>(ends, tile.slot + t);
    for (; i < end; ++i) {
      const auto entry = load_item<codec::KvOutlier>(entries, i);
      const std::size_t dim = std::size_t{entry.channel} - first;  // huge where it is below
      if (dim < kv.shape.head_dim) {
        put(t, dim, entry.value);
      }
    }
  }
}

/// Sinks that lie in the tile.
inline std::size_t n_sinks_of(const CodedKv& kv, const CodedTile& tile) noexcept {
  return tile.first < kv.n_sinks
             ? (kv.n_sinks - tile.first < tile.n ? kv.n_sinks - tile.first : tile.n)
             : 0;
}

/// Element of the floats where the head's token `slot` starts.
inline std::size_t float_element(const CodedKv& kv, std::size_t slot) noexcept {
  return (kv.head * kv.float_tokens + slot) * kv.shape.head_dim;
}

}  // namespace
}  // namespace nibble::kernels
