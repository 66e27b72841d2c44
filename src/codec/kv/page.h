/// How a page of coded keys, or of coded values, lies in memory: 64 tokens of one layer.
///
/// A block holds the codes of each head, then what the heads share. D = head_dim, b = bits; groups
/// are of 32; codes fill bits from the low end up (bit_stream.h).
///
/// Layout     token groups    head: codes [64][D], grids [64][ceil(D / 32)]
///            channel groups  head: codes [2][D][32 tokens], grids [2][D]
///            channel levels  head: codes [D][64 tokens]; shared: outliers
///            token levels    head: codes [64][D]; shared: spans [64], outliers
///            a grid is scale, min; a span is half, middle; both of two halves
///            outliers        ends u16 [64], then (channel u16, half) for each, in order of tokens
///            and channels; token t's are those from ends[t - 1] up to ends[t]
/// Requires   D is a multiple of 16
/// Source     our own; the groups are KIVI's (arXiv 2402.02750), the levels KVQuant's (2401.18079)
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/checked_math.h"
#include "codec/kv/group_grid.h"

namespace nibble::codec {

inline constexpr std::size_t kKvPageTokens = 64;

enum class KvKind : std::uint8_t {
  kFloat,          ///< not coded
  kTokenGroups,    ///< a grid for 32 channels of a token
  kChannelGroups,  ///< a grid for 32 tokens of a channel
  kChannelLevels,  ///< levels; limits of each channel from calibration
  kTokenLevels,    ///< levels; limits of each token from the token
};

struct KvFormat {
  KvKind kind = KvKind::kFloat;
  std::size_t bits = 0;
  bool operator==(const KvFormat&) const = default;
};

struct KvShape {
  std::size_t n_heads = 0;
  std::size_t head_dim = 0;
  [[nodiscard]] constexpr std::size_t width() const noexcept { return n_heads * head_dim; }
};

/// Two halves: a grid's scale and min, or a span's half and middle.
struct KvPair {
  std::uint16_t factor;
  std::uint16_t offset;
};
struct KvOutlier {
  std::uint16_t channel;  ///< over all heads
  std::uint16_t value;    ///< a half
};

/// Outliers that a page has room for: of values as many as the definition can mark, of keys twice
/// the expected share. What finds no room is coded like any other entry.
constexpr std::size_t outlier_room(KvKind kind, std::size_t width) noexcept {
  if (kind == KvKind::kChannelLevels) {
    return ceil_div(kKvPageTokens * width, 50);
  }
  return kind == KvKind::kTokenLevels ? kKvPageTokens * 2 * ((width - 1) / 200 + 1) : 0;
}

/// Offsets within a block, in bytes.
struct KvLayout {
  std::size_t head_bytes = 0;    ///< from head to head
  std::size_t pairs = 0;         ///< of the grids within a head, of the spans within the block
  std::size_t outliers = 0;      ///< of the ends, within the block
  std::size_t n_bytes = 0;       ///< of the block
  std::size_t outlier_room = 0;  ///< entries
};

constexpr KvLayout kv_layout(const KvFormat& format, const KvShape& shape) noexcept {
  constexpr std::size_t kAlign = 64;
  const std::size_t code_bytes = kKvPageTokens * shape.head_dim * format.bits / 8;
  const bool has_levels =
      format.kind == KvKind::kChannelLevels || format.kind == KvKind::kTokenLevels;
  KvLayout out;
  out.pairs = code_bytes;
  out.head_bytes = code_bytes;
  if (format.kind == KvKind::kTokenGroups) {
    out.head_bytes += kKvPageTokens * ceil_div(shape.head_dim, kKvGroup) * sizeof(KvPair);
  } else if (format.kind == KvKind::kChannelGroups) {
    out.head_bytes += kKvPageTokens / kKvGroup * shape.head_dim * sizeof(KvPair);
  }
  out.n_bytes = shape.n_heads * out.head_bytes;
  if (has_levels) {
    out.pairs = out.n_bytes;
    out.n_bytes += format.kind == KvKind::kTokenLevels ? kKvPageTokens * sizeof(KvPair) : 0;
    out.outliers = out.n_bytes;
    out.outlier_room = outlier_room(format.kind, shape.width());
    out.n_bytes += kKvPageTokens * sizeof(std::uint16_t) + out.outlier_room * sizeof(KvOutlier);
  }
  out.n_bytes = round_up(out.n_bytes, kAlign);
  return out;
}

}  // namespace nibble::codec
