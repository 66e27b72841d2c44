/// What the fast attention kernels share: the state of a row, which keys it sees, and the walk over
/// rows and pages.
///
/// Everything is in an unnamed namespace: each kernel file compiles its own copy for its own
/// instruction set.
///
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"

namespace nibble::kernels {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

/// Below every score: a row that has seen no key yet.
constexpr float kNoScore = -1e30F;
/// Rows (a query of one head) that share one pass over the keys.
constexpr std::size_t kMaxRows = 192;

/// What one row carries from tile to tile.
struct AttentionRow {
  const float* q;
  float* out;  ///< the sum so far, not yet divided by `total`
  std::size_t position;
  float top;
  float total;
};

/// The first position that the row sees.
inline std::size_t first_seen(const AttentionTask& task, const AttentionRow& row) noexcept {
  return task.window != 0 && row.position + 1 > task.window ? row.position + 1 - task.window : 0;
}

/// Bit j: the row sees key first + j, of n <= 64 keys.
inline std::uint64_t visible_keys(const AttentionTask& task,
                                  const AttentionRow& row,
                                  std::size_t first,
                                  std::size_t n) noexcept {
  if (row.position < first) {
    return 0;
  }
  const std::size_t past = row.position + 1 - first;  // keys [0, past) are not in the future
  const std::size_t end = past < n ? past : n;
  std::uint64_t bits = end >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << end) - 1;
  const std::size_t seen = first_seen(task, row);
  if (seen > first) {
    const std::size_t hidden = seen - first;
    bits = hidden >= 64 ? 0 : bits & (~std::uint64_t{0} << hidden);
  }
  return bits;
}

/// Keys that lie together in one page: `element` is the offset of the first within the page's keys
/// and values.
struct KeyRun {
  const KvPage* page;
  std::size_t element;
  std::size_t first;
  std::size_t n;
};

/// Where the tile of `limit` keys that holds `position` starts. Tiles lie at fixed places of a
/// page, wherever the queries or their windows begin, so that the sums of a row do not depend on
/// which other rows share the pass.
inline std::size_t tile_start(const AttentionTask& task,
                              std::size_t position,
                              std::size_t limit) noexcept {
  return position - position % task.page_tokens % limit;
}

/// The run that starts at `position`, at most `limit` keys, up to `end`.
inline KeyRun key_run(const AttentionTask& task,
                      std::size_t position,
                      std::size_t end,
                      std::size_t limit) noexcept {
  const std::size_t slot = position % task.page_tokens;
  const std::size_t in_page = task.page_tokens - slot;
  const std::size_t left = end - position < limit ? end - position : limit;
  return {task.pages + position / task.page_tokens,
          task.kv_offset + slot * task.head_dim,
          position,
          in_page < left ? in_page : left};
}

/// Calls attend(run) for the runs of at most `limit` keys, in order, that hold all keys which any
/// of the rows sees; positions of rows ascend.
template <class Attend>
void for_key_runs(const AttentionTask& task,
                  const AttentionRow* rows,
                  std::size_t n_rows,
                  std::size_t limit,
                  const Attend& attend) noexcept {
  const std::size_t end = rows[n_rows - 1].position + 1;
  std::size_t position = tile_start(task, first_seen(task, rows[0]), limit);
  while (position < end) {
    const KeyRun run = key_run(task, position, end, limit);
    attend(run);
    position += run.n;
  }
}

/// Calls attend<R>(first row) for blocks of `Block` rows, then for single ones.
template <int Block, class Attend>
void for_row_blocks(std::size_t n, const Attend& attend) noexcept {
  std::size_t r = 0;
  for (; r + Block <= n; r += Block) {
    attend.template operator()<Block>(r);
  }
  for (; r < n; ++r) {
    attend.template operator()<1>(r);
  }
}

/// Calls attend(rows, n) for all rows of the task, up to kMaxRows at a time, positions ascending;
/// then finish(row) for each. A row gives `out_width` floats, zero before the first key.
template <class Attend, class Finish>
void for_rows(const AttentionTask& task,
              std::size_t out_width,
              const Attend& attend,
              const Finish& finish) noexcept {
  AttentionRow rows[kMaxRows];
  std::size_t n = 0;
  const std::size_t n_rows = task.n_queries * task.n_heads;
  for (std::size_t i = 0; i < n_rows; ++i) {
    const std::size_t t = i / task.n_heads;
    const std::size_t head = i % task.n_heads;
    rows[n] = {task.q + t * task.q_stride + head * task.head_dim,
               task.out + t * task.out_stride + head * out_width,
               task.is_causal ? task.first_position + t : task.first_position,
               kNoScore,
               0.0F};
    __builtin_memset(rows[n].out, 0, out_width * sizeof(float));
    ++n;
    if (n == kMaxRows || i + 1 == n_rows) {
      attend(rows, n);
      for (std::size_t r = 0; r < n; ++r) {
        finish(rows[r]);
      }
      n = 0;
    }
  }
}

}  // namespace
}  // namespace nibble::kernels
