/// Masses of spans, written once for all instruction sets: rows weigh a tile of keys as attention
/// does, and each span's weights are added up in place of values.
///
/// `Isa` as in coded_tile.h; weigh_rows is found by the type of the tile.
///
/// Everything is in an unnamed namespace: each kernel file compiles its own copy.
///
/// Precision  float32; a span's weights in a tile are added in eight interleaved sums
/// Source     our own
#pragma once

#include <cstddef>
#include <span>

#include "kernels/coded_tile.h"
#include "kernels/mass/mass.h"

namespace nibble::kernels {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

inline float sum_weights(const float* weights, std::size_t n) noexcept {
  constexpr std::size_t kSums = 8;
  float sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (std::size_t s = 0; s < kSums; ++s) {
      sums[s] += weights[i + s];
    }
  }
  for (std::size_t s = 0; i + s < n; ++s) {
    sums[s] += weights[i + s];
  }
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/// The spans, and how many of them lie below the keys that are to come.
struct SpanWalk {
  std::span<const KeySpan> spans;
  std::size_t n_past = 0;

  void move_to(std::size_t first) noexcept {
    while (n_past < spans.size() && spans[n_past].end <= first) {
      ++n_past;
    }
  }
};

/// Adds one row's weights of the keys [first, first + n) to its masses.
inline void add_weights(const AttentionRow& row,
                        const SpanWalk& walk,
                        std::size_t first,
                        std::size_t n,
                        const float* weights) noexcept {
  for (std::size_t s = walk.n_past; s < walk.spans.size() && walk.spans[s].begin < first + n; ++s) {
    const KeySpan& span = walk.spans[s];
    const std::size_t begin = span.begin > first ? span.begin - first : 0;
    const std::size_t end = span.end < first + n ? span.end - first : n;
    if (begin < end) {
      row.out[s] += sum_weights(weights + begin, end - begin);
    }
  }
}

inline void fade_masses(const AttentionRow& row, std::size_t n_spans, float fade) noexcept {
  if (fade != 1.0F) {
    for (std::size_t s = 0; s < n_spans; ++s) {
      row.out[s] *= fade;
    }
  }
}

template <class Isa, int R>
void mass_rows(const AttentionTask& task,
               AttentionRow* rows,
               const typename Isa::Tile& tile,
               const SpanWalk& walk) noexcept {
  if (rows[R - 1].position < tile.first) {
    return;  // positions ascend: no row of these sees the tile
  }
  alignas(64) float weights[R][Isa::kTile];
  float fades[R];
  weigh_rows<R>(task, rows, tile, fades, weights);
  for (int r = 0; r < R; ++r) {
    fade_masses(rows[r], walk.spans.size(), fades[r]);
    add_weights(rows[r], walk, tile.first, tile.n, weights[r]);
  }
}

/// Tiles come in ascending order.
template <class Isa>
void mass_tile(const AttentionTask& task,
               AttentionRow* rows,
               std::size_t n,
               const typename Isa::Tile& tile,
               SpanWalk& walk) noexcept {
  walk.move_to(tile.first);
  for_row_blocks<Isa::kRowBlock>(
      n, [&]<int R>(std::size_t r) { mass_rows<Isa, R>(task, rows + r, tile, walk); });
}

/// Calls add_keys(rows, n) for the rows of the task, and divides their masses by their totals.
template <class AddKeys>
void for_mass_rows(const AttentionTask& task,
                   std::size_t n_spans,
                   const AddKeys& add_keys) noexcept {
  for_rows(task, n_spans, add_keys, [n_spans](const AttentionRow& row) {
    for (std::size_t s = 0; s < n_spans; ++s) {
      row.out[s] /= row.total;
    }
  });
}

template <class Isa, class Element>
void sum_masses(const AttentionTask& task, std::span<const KeySpan> spans) noexcept {
  for_mass_rows(task, spans.size(), [&](AttentionRow* rows, std::size_t n) {
    typename Isa::Tile tile;
    SpanWalk walk{spans};
    for_key_runs(task, rows, n, Isa::kTile, [&](const KeyRun& run) {
      tile.first = run.first;
      tile.n = run.n;
      load_keys(static_cast<const Element*>(run.page->keys) + run.element, task.head_dim, tile);
      mass_tile<Isa>(task, rows, n, tile, walk);
    });
  });
}

template <class Isa>
void sum_coded_masses(const AttentionTask& task,
                      const CodedKv& kv,
                      std::span<const KeySpan> spans) noexcept {
  for_mass_rows(task, spans.size(), [&](AttentionRow* rows, std::size_t n) {
    typename Isa::Tile tile;
    SpanWalk walk{spans};
    for_coded_tiles<Isa>(
        task,
        kv,
        rows,
        n,
        tile,
        [&](const CodedTile& at, std::size_t n_float) {
          load_float_keys<Isa>(kv, at, tile);
          mass_tile<Isa>(task, rows, n_float, tile, walk);
        },
        [&](const CodedTile& at, std::size_t n_float) {
          decode_keys<Isa>(kv, task.pages[at.page], at, tile);
          mass_tile<Isa>(task, rows + n_float, n - n_float, tile, walk);
        });
  });
}

}  // namespace
}  // namespace nibble::kernels
