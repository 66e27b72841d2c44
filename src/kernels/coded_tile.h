/// Attention over coded keys and values, written once for all instruction sets: codes of a tile
/// become floats in the layout that the tile's sums want, then rows go through it.
///
/// `Isa` names an instruction set's registers: kLanes floats in each, tiles of kTile keys,
/// kRowBlock rows together. Functions over tiles (attention_tile.h) are found by the type of the
/// tile.
///
/// Everything is in an unnamed namespace: each kernel file compiles its own copy.
///
/// Precision  float32, a product and a sum fused
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/coded_rows.h"

namespace nibble::kernels {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

/// Calls f.operator()<bits>() for the widths that the formats have.
template <class F>
void with_bits(std::size_t bits, const F& f) noexcept {
  switch (bits) {
    case 2:
      return f.template operator()<2>();
    case 3:
      return f.template operator()<3>();
    case 4:
      return f.template operator()<4>();
    default:
      return f.template operator()<8>();
  }
}

/// One block, seen from the head of the task.
struct HeadBlock {
  HeadBlock(const codec::KvFormat& format, const CodedKv& kv, const void* block) noexcept
      : bits(format.bits),
        head_dim(kv.shape.head_dim),
        layout(codec::kv_layout(format, kv.shape)),
        shared(static_cast<const std::uint8_t*>(block)),
        codes(shared + kv.head * layout.head_bytes) {}

  std::size_t bits;
  std::size_t head_dim;
  codec::KvLayout layout;
  const std::uint8_t* shared;
  const std::uint8_t* codes;
};

/// Tokens [tile.slot, …) of token groups, as rows [token][dim].
template <class Isa, std::size_t B>
void decode_token_groups(const HeadBlock& block, const CodedTile& tile, float* rows) noexcept {
  const std::size_t n_groups = ceil_div(block.head_dim, codec::kKvGroup);
  constexpr std::size_t kMostGroups = kMaxHeadDim / codec::kKvGroup;
  for (std::size_t t = 0; t < tile.n; ++t) {
    const std::size_t slot = tile.slot + t;
    alignas(64) float grids[2 * kMostGroups + 16];
    Isa::halves(block.codes + block.layout.pairs + slot * n_groups * sizeof(codec::KvPair),
                2 * n_groups,
                grids);
    for (std::size_t d = 0; d < block.head_dim; d += Isa::kLanes) {
      const std::size_t group = d / codec::kKvGroup;
      const auto code = Isa::template codes<B>(block.codes, slot * block.head_dim + d);
      Isa::store(
          rows + t * block.head_dim + d,
          Isa::multiply_add(
              Isa::floats(code), Isa::all(grids[2 * group]), Isa::all(grids[2 * group + 1])));
    }
  }
}

/// The tile's tokens of token levels, as rows [token][dim].
template <class Isa, std::size_t B>
void decode_token_levels(const HeadBlock& block,
                         const CodedKv& kv,
                         const CodedTile& tile,
                         float* rows) noexcept {
  const typename Isa::Table levels(kv.tables->value_levels.data(), std::size_t{1} << B);
  alignas(64) float spans[2 * Isa::kTile];
  Isa::halves(
      block.shared + block.layout.pairs + tile.slot * sizeof(codec::KvPair), 2 * tile.n, spans);
  for (std::size_t t = 0; t < tile.n; ++t) {
    const auto half = Isa::all(spans[2 * t]);
    const auto middle = Isa::all(spans[2 * t + 1]);
    for (std::size_t d = 0; d < block.head_dim; d += Isa::kLanes) {
      const auto code = Isa::template codes<B>(block.codes, (tile.slot + t) * block.head_dim + d);
      Isa::store(rows + t * block.head_dim + d, Isa::multiply_add(levels.at(code), half, middle));
    }
  }
  for_outliers(kv,
               block.shared + block.layout.outliers,
               tile,
               [&](std::size_t t, std::size_t d, std::uint16_t value) {
                 rows[t * block.head_dim + d] = Isa::half(value);
               });
}

/// The tile's keys of channel groups, as [dim][key]; all of its groups are full.
template <class Isa, std::size_t B>
void decode_channel_groups(const HeadBlock& block, const CodedTile& tile, float* keys) noexcept {
  constexpr std::size_t kGroup = codec::kKvGroup;
  alignas(64) float grids[2 * kMaxHeadDim];
  for (std::size_t first = 0; first < Isa::kTile; first += kGroup) {
    const std::size_t row = (tile.slot + first) / kGroup * block.head_dim;
    Isa::halves(
        block.codes + block.layout.pairs + row * sizeof(codec::KvPair), 2 * block.head_dim, grids);
    for (std::size_t d = 0; d < block.head_dim; ++d) {
      const auto scale = Isa::all(grids[2 * d]);
      const auto least = Isa::all(grids[2 * d + 1]);
      for (std::size_t i = 0; i < kGroup; i += Isa::kLanes) {
        const auto code = Isa::template codes<B>(block.codes, (row + d) * kGroup + i);
        Isa::store(keys + d * Isa::kTile + first + i,
                   Isa::multiply_add(Isa::floats(code), scale, least));
      }
    }
  }
}

/// The tile's keys of channel levels, as [dim][key], not yet rotated.
template <class Isa, std::size_t B>
void decode_channel_levels(const HeadBlock& block,
                           const CodedKv& kv,
                           const CodedTile& tile,
                           float* keys) noexcept {
  const typename Isa::Table levels(kv.tables->key_levels.data(), std::size_t{1} << B);
  const float* const middles = kv.tables->key_middle.data() + kv.head * block.head_dim;
  const float* const halves = kv.tables->key_half.data() + kv.head * block.head_dim;
  for (std::size_t d = 0; d < block.head_dim; ++d) {
    const auto half = Isa::all(halves[d]);
    const auto middle = Isa::all(middles[d]);
    for (std::size_t i = 0; i < Isa::kTile; i += Isa::kLanes) {
      const auto code =
          Isa::template codes<B>(block.codes, d * codec::kKvPageTokens + tile.slot + i);
      Isa::store(keys + d * Isa::kTile + i, Isa::multiply_add(levels.at(code), half, middle));
    }
  }
  for_outliers(kv,
               block.shared + block.layout.outliers,
               tile,
               [&](std::size_t t, std::size_t d, std::uint16_t value) {
                 keys[d * Isa::kTile + t] = Isa::half(value);
               });
}

/// Turns pairs of dimensions by the angles of the tile's positions; keys are [dim][key].
template <class Isa>
void rotate_keys(const CodedKv& kv, const CodedTile& tile, float* keys) noexcept {
  const std::size_t half = kv.shape.head_dim / 2;
  const float* const cosines = kv.rotations[tile.page] + tile.slot;
  const float* const sines = cosines + half * codec::kKvPageTokens;
  for (std::size_t d = 0; d < half; ++d) {
    for (std::size_t i = 0; i < Isa::kTile; i += Isa::kLanes) {
      float* const at = keys + d * Isa::kTile + i;
      float* const pair = at + half * Isa::kTile;
      const auto x = Isa::load(at);
      const auto y = Isa::load(pair);
      const auto cosine = Isa::load(cosines + d * codec::kKvPageTokens + i);
      const auto sine = Isa::load(sines + d * codec::kKvPageTokens + i);
      Isa::store(at, Isa::multiply_subtract(x, cosine, Isa::multiply(y, sine)));
      Isa::store(pair, Isa::multiply_add(y, cosine, Isa::multiply(x, sine)));
    }
  }
}

/// A float that the scheme kept, wherever it lies.
template <class Isa>
float kept_float(const CodedKv& kv, const void* floats, std::size_t element) noexcept {
  return kv.has_halves ? Isa::half(static_cast<const std::uint16_t*>(floats)[element])
                       : static_cast<const float*>(floats)[element];
}

template <class Isa>
void decode_keys(const CodedKv& kv,
                 const KvPage& page,
                 const CodedTile& at,
                 typename Isa::Tile& tile) noexcept {
  const HeadBlock block(kv.keys, kv, page.keys);
  if (kv.keys.kind == codec::KvKind::kTokenGroups) {
    with_bits(kv.keys.bits,
              [&]<std::size_t B>() { decode_token_groups<Isa, B>(block, at, tile.values); });
    load_keys(static_cast<const float*>(tile.values), block.head_dim, tile);
  } else if (kv.keys.kind == codec::KvKind::kChannelGroups) {
    with_bits(kv.keys.bits,
              [&]<std::size_t B>() { decode_channel_groups<Isa, B>(block, at, tile.keys); });
  } else {
    with_bits(kv.keys.bits,
              [&]<std::size_t B>() { decode_channel_levels<Isa, B>(block, kv, at, tile.keys); });
  }
  for (std::size_t t = 0; t < n_sinks_of(kv, at); ++t) {
    for (std::size_t d = 0; d < block.head_dim; ++d) {
      tile.keys[d * Isa::kTile + t] =
          kept_float<Isa>(kv, kv.floats[at.page].keys, float_element(kv, t) + d);
    }
  }
  if (kv.rotations != nullptr) {
    rotate_keys<Isa>(kv, at, tile.keys);
  }
}

template <class Isa>
void decode_values(const CodedKv& kv,
                   const KvPage& page,
                   const CodedTile& at,
                   float* rows) noexcept {
  const HeadBlock block(kv.values, kv, page.values);
  with_bits(kv.values.bits, [&]<std::size_t B>() {
    if (kv.values.kind == codec::KvKind::kTokenGroups) {
      decode_token_groups<Isa, B>(block, at, rows);
    } else {
      decode_token_levels<Isa, B>(block, kv, at, rows);
    }
  });
  for (std::size_t t = 0; t < n_sinks_of(kv, at); ++t) {
    for (std::size_t d = 0; d < block.head_dim; ++d) {
      rows[t * block.head_dim + d] =
          kept_float<Isa>(kv, kv.floats[at.page].values, float_element(kv, t) + d);
    }
  }
}

/// A tile's values: coded ones, and floats where some row sees them.
struct TileValues {
  const float* coded;
  const float* floats;
};

/// The sums of R rows over the first values as coded and the others as floats. What a row takes
/// from either does not depend on the rows beside it: a weight of zero adds nothing.
template <class Isa, int R>
void attend_parts(const AttentionTask& task,
                  const CodedKv& kv,
                  AttentionRow* rows,
                  const CodedTile& at,
                  const typename Isa::Tile& tile,
                  const TileValues& values) noexcept {
  if (rows[R - 1].position < at.first) {
    return;
  }
  alignas(64) float weights[R][Isa::kTile];
  float fades[R];
  weigh_rows<R>(task, rows, tile, fades, weights);
  const std::size_t least = n_coded_values(kv, rows[0], at);
  const std::size_t most = n_coded_values(kv, rows[R - 1], at);
  if (least == at.n || most == 0) {
    const float* const all = most == 0 ? values.floats : values.coded;
    add_values<R>(task, rows, tile, all, fades, weights);
    return;
  }
  alignas(64) float coded[R][Isa::kTile] = {};
  for (int r = 0; r < R; ++r) {
    const std::size_t n = n_coded_values(kv, rows[r], at);
    __builtin_memcpy(coded[r], weights[r], n * sizeof(float));
    __builtin_memset(weights[r], 0, n * sizeof(float));
  }
  add_values<R>(task, rows, tile, values.coded, fades, coded);
  for (float& fade : fades) {
    fade = 1.0F;
  }
  add_values<R>(task, rows, tile, values.floats, fades, weights);
}

template <class Isa>
const float* load_floats(const CodedKv& kv,
                         const void* floats,
                         std::size_t slot,
                         typename Isa::Tile& tile) noexcept {
  const std::size_t element = float_element(kv, slot);
  return kv.has_halves
             ? load_values(
                   static_cast<const std::uint16_t*>(floats) + element, kv.shape.head_dim, tile)
             : static_cast<const float*>(floats) + element;
}

template <class Isa>
void load_float_keys(const CodedKv& kv, const CodedTile& at, typename Isa::Tile& tile) noexcept {
  const KvPage& floats = kv.floats[at.page];
  const std::size_t element = float_element(kv, at.slot);
  if (kv.has_halves) {
    load_keys(static_cast<const std::uint16_t*>(floats.keys) + element, kv.shape.head_dim, tile);
  } else {
    load_keys(static_cast<const float*>(floats.keys) + element, kv.shape.head_dim, tile);
  }
}

template <class Isa>
void attend_float_tile(const AttentionTask& task,
                       const CodedKv& kv,
                       AttentionRow* rows,
                       std::size_t n,
                       const CodedTile& at,
                       typename Isa::Tile& tile) noexcept {
  const KvPage& floats = kv.floats[at.page];
  load_float_keys<Isa>(kv, at, tile);
  attend_tile(task, rows, n, tile, load_floats<Isa>(kv, floats.values, at.slot, tile));
}

/// Where a tile's coded values go while its floats lie in the tile.
template <class Isa>
struct CodedBuffers {
  typename Isa::Tile tile;
  alignas(64) float values[kMaxHeadDim * Isa::kTile];
};

template <class Isa>
void attend_coded_tile(const AttentionTask& task,
                       const CodedKv& kv,
                       AttentionRow* rows,
                       std::size_t n,
                       const CodedTile& at,
                       CodedBuffers<Isa>& buffers) noexcept {
  const KvPage& page = task.pages[at.page];
  decode_keys<Isa>(kv, page, at, buffers.tile);
  TileValues values{buffers.values, nullptr};
  if (n_coded_values(kv, rows[n - 1], at) > 0) {
    decode_values<Isa>(kv, page, at, buffers.values);
  }
  if (n_coded_values(kv, rows[0], at) < at.n) {
    values.floats = load_floats<Isa>(kv, kv.floats[at.page].values, at.slot, buffers.tile);
  }
  for_row_blocks<Isa::kRowBlock>(n, [&]<int R>(std::size_t r) {
    attend_parts<Isa, R>(task, kv, rows + r, at, buffers.tile, values);
  });
}

/// Walks `tile` over all keys that any of the rows sees; positions of rows ascend. The first
/// n_float rows see a tile's keys as floats, the others coded: calls floats(at, n_float), where one
/// of those sees any of them, and coded(at, n_float), where there are others.
template <class Isa, class Floats, class Coded>
void for_coded_tiles(const AttentionTask& task,
                     const CodedKv& kv,
                     const AttentionRow* rows,
                     std::size_t n,
                     typename Isa::Tile& tile,
                     const Floats& floats,
                     const Coded& coded) noexcept {
  for_key_runs(task, rows, n, Isa::kTile, [&](const KeyRun& run) {
    const CodedTile at{
        run.first / codec::kKvPageTokens, run.first % codec::kKvPageTokens, run.first, run.n};
    tile.first = at.first;
    tile.n = at.n;
    const std::size_t n_float = n_float_rows(kv, rows, n, at.first);
    if (n_float > 0 && rows[n_float - 1].position >= at.first) {
      floats(at, n_float);
    }
    if (n_float < n) {
      coded(at, n_float);
    }
  });
}

/// Rows of ascending positions over all keys that any of them sees.
template <class Isa>
void attend_coded_keys(const AttentionTask& task,
                       const CodedKv& kv,
                       AttentionRow* rows,
                       std::size_t n) noexcept {
  CodedBuffers<Isa> buffers;
  for_coded_tiles<Isa>(
      task,
      kv,
      rows,
      n,
      buffers.tile,
      [&](const CodedTile& at, std::size_t n_float) {
        attend_float_tile<Isa>(task, kv, rows, n_float, at, buffers.tile);
      },
      [&](const CodedTile& at, std::size_t n_float) {
        attend_coded_tile<Isa>(task, kv, rows + n_float, n - n_float, at, buffers);
      });
}

}  // namespace
}  // namespace nibble::kernels
