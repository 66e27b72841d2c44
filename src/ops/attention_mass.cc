#include "ops/attention_mass.h"

#include <vector>

#include "base/error.h"
#include "kernels/select.h"
#include "ops/attention_tiles.h"

namespace nibble::ops {
namespace {

void check_rows(const AttentionShape& shape, const MassRows& rows) {
  if (!are_spans_in_order(rows.spans)) {
    raise(ErrorCode::kShapeMismatch,
          "attention mass: spans that ascend and are disjoint are wanted");
  }
  if (rows.masses == nullptr || rows.stride < shape.n_heads * rows.spans.size()) {
    raise(ErrorCode::kShapeMismatch,
          "attention mass: rows of {} floats, {} heads of {} spans are wanted",
          rows.masses == nullptr ? 0 : rows.stride,
          shape.n_heads,
          rows.spans.size());
  }
}

}  // namespace

bool are_spans_in_order(std::span<const TokenSpan> spans) noexcept {
  std::size_t end = 0;
  for (const TokenSpan& span : spans) {
    if (span.begin < end || span.end < span.begin) {
      return false;
    }
    end = span.end;
  }
  return true;
}

void attention_mass(const AttentionShape& shape,
                    MatrixView<const float> q,
                    std::span<const MassRows> rows,
                    ThreadPool& pool) {
  check_attention_shape(shape);
  check_attention_cols("q", q.cols, shape.n_heads, shape.head_dim);
  std::vector<AttentionSequence> sequences;
  for (const MassRows& some : rows) {
    check_rows(shape, some);
    sequences.push_back(some.sequence);
  }
  check_attention_sequences(shape, q.rows, sequences);
  const auto& set = *kernels::kernels().mass;
  const auto kernel = shape.kv_dtype == DType::kF32 ? set.f32 : set.f16;
  const std::vector<AttentionTile> tiles = attention_tiles(shape, sequences);
  pool.run(tiles.size(), [&](std::size_t i, std::size_t /*worker*/) {
    const AttentionTile& tile = tiles[i];
    const MassRows& of = rows[static_cast<std::size_t>(tile.sequence - sequences.data())];
    kernels::AttentionTask task = attention_task(shape, q, tile);
    task.out = of.masses + tile.first * of.stride + tile.kv_head * task.n_heads * of.spans.size();
    task.out_stride = of.stride;
    if (shape.coding != nullptr) {
      set.coded(task, coded_kv(shape, tile), of.spans);
    } else {
      kernel(task, of.spans);
    }
  });
}

}  // namespace nibble::ops
