#include "ops/attention.h"

#include <algorithm>
#include <cstring>

#include "kernels/select.h"
#include "ops/attention_tiles.h"

namespace nibble::ops {
namespace {

void store_row(const AttentionShape& shape, const float* source, void* page, std::size_t slot) {
  const auto& set = *kernels::kernels().attention;
  for (std::size_t head = 0; head < shape.n_kv_heads; ++head) {
    const std::size_t at = (head * shape.page_tokens + slot) * shape.head_dim;
    const float* row = source + head * shape.head_dim;
    if (shape.kv_dtype == DType::kF32) {
      std::memcpy(static_cast<float*>(page) + at, row, shape.head_dim * sizeof(float));
    } else {
      set.to_f16(row, static_cast<std::uint16_t*>(page) + at, shape.head_dim);
    }
  }
}

}  // namespace

void attention(const AttentionShape& shape,
               MatrixView<const float> q,
               std::span<const AttentionSequence> sequences,
               MatrixView<float> out,
               ThreadPool& pool) {
  check_attention_shape(shape);
  check_attention_cols("q", q.cols, shape.n_heads, shape.head_dim);
  check_attention_cols("out", out.cols, shape.n_heads, shape.head_dim);
  check_attention_sequences(shape, std::min(q.rows, out.rows), sequences);
  const auto& set = *kernels::kernels().attention;
  const auto kernel = shape.kv_dtype == DType::kF32 ? set.f32 : set.f16;
  const std::vector<AttentionTile> tiles = attention_tiles(shape, sequences);
  pool.run(tiles.size(), [&](std::size_t i, std::size_t /*worker*/) {
    const AttentionTile& tile = tiles[i];
    kernels::AttentionTask task = attention_task(shape, q, tile);
    task.out = out.row(tile.row()) + tile.kv_head * task.n_heads * shape.head_dim;
    task.out_stride = out.stride;
    if (shape.coding != nullptr) {
      set.coded(task, coded_kv(shape, tile));
    } else {
      kernel(task);
    }
  });
}

void store_kv(const AttentionShape& shape,
              MatrixView<const float> k,
              MatrixView<const float> v,
              std::span<const AttentionSequence> sequences,
              ThreadPool& pool) {
  check_attention_shape(shape);
  check_attention_cols("k", k.cols, shape.n_kv_heads, shape.head_dim);
  check_attention_cols("v", v.cols, shape.n_kv_heads, shape.head_dim);
  check_attention_sequences(shape, std::min(k.rows, v.rows), sequences);
  if (shape.coding != nullptr) {
    store_coded_kv(shape, k, v, sequences, pool);
    return;
  }
  pool.run(sequences.size(), [&](std::size_t i, std::size_t /*worker*/) {
    const AttentionSequence& sequence = sequences[i];
    for (std::size_t t = 0; t < sequence.n_tokens; ++t) {
      const std::size_t position = sequence.start_position + t;
      const KvPageView& page = sequence.pages[position / shape.page_tokens];
      const std::size_t slot = position % shape.page_tokens;
      store_row(shape, k.row(sequence.first_row + t), page.keys, slot);
      store_row(shape, v.row(sequence.first_row + t), page.values, slot);
    }
  });
}

}  // namespace nibble::ops
