/// What attention and the measure of it (attention_mass.h) share: checks of their arguments, and
/// the tasks for the kernels that a call splits into.
///
/// Shapes     as in attention.h
/// Errors     check_*: those of attention
/// Source     our own
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "ops/attention.h"

namespace nibble::ops {

void check_attention_shape(const AttentionShape& shape);
/// Rows of `what` hold `n_heads` heads.
void check_attention_cols(const char* what,
                          std::size_t found,
                          std::size_t n_heads,
                          std::size_t head_dim);
/// The sequences lie in `n_rows` rows, and their pages hold their positions.
void check_attention_sequences(const AttentionShape& shape,
                               std::size_t n_rows,
                               std::span<const AttentionSequence> sequences);

/// Some queries of one sequence, and the query heads of one key/value head.
struct AttentionTile {
  const AttentionSequence* sequence;
  std::size_t first;  ///< query within the sequence
  std::size_t kv_head;

  [[nodiscard]] std::size_t row() const noexcept { return sequence->first_row + first; }
};

/// Late tiles see more keys: they go first, so that the threads end together.
std::vector<AttentionTile> attention_tiles(const AttentionShape& shape,
                                           std::span<const AttentionSequence> sequences);

/// The task of a tile, but for where its results go.
kernels::AttentionTask attention_task(const AttentionShape& shape,
                                      MatrixView<const float> q,
                                      const AttentionTile& tile);
/// What it needs beside its task where pages are coded.
kernels::CodedKv coded_kv(const AttentionShape& shape, const AttentionTile& tile);

}  // namespace nibble::ops
