#include "ops/attention.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/checked_math.h"
#include "base/error.h"
#include "kernels/select.h"

namespace nibble::ops {
namespace {

/// Query rows of one task: long enough to reuse a tile of keys, short enough to spread a prompt
/// over many threads.
constexpr std::size_t kQueryTile = 32;

void check_shape(const AttentionShape& shape) {
  if (shape.n_kv_heads == 0 || shape.n_heads == 0 || shape.n_heads % shape.n_kv_heads != 0) {
    raise(ErrorCode::kShapeMismatch,
          "attention: {} heads cannot share {} key/value heads",
          shape.n_heads,
          shape.n_kv_heads);
  }
  if (shape.head_dim == 0 || shape.head_dim > kernels::kMaxHeadDim) {
    raise(ErrorCode::kUnsupported,
          "attention: head_dim is {}, 1 to {} is wanted",
          shape.head_dim,
          kernels::kMaxHeadDim);
  }
  if (shape.page_tokens == 0 || (shape.kv_dtype != DType::kF32 && shape.kv_dtype != DType::kF16)) {
    raise(ErrorCode::kShapeMismatch,
          "attention: pages of {} tokens of {}, F32 or F16 is wanted",
          shape.page_tokens,
          dtype_name(shape.kv_dtype));
  }
  if (shape.coding != nullptr) {
    check_coding(shape);
  }
}

void check_cols(const char* what, std::size_t found, std::size_t n_heads, std::size_t head_dim) {
  if (found != n_heads * head_dim) {
    raise(ErrorCode::kShapeMismatch,
          "attention: rows of {} are {} long, {} heads of {} are wanted",
          what,
          found,
          n_heads,
          head_dim);
  }
}

/// What coded pages need beside them.
void check_beside(const AttentionShape& shape, const AttentionSequence& sequence, std::size_t end) {
  const KvCoding& coding = *shape.coding;
  const bool lacks_floats =
      float_tokens(*coding.scheme) > 0 && sequence.floats.size() < sequence.pages.size();
  const bool lacks_rotations =
      coding.rotations != nullptr && coding.rotations->pages().size() * shape.page_tokens < end;
  if (lacks_floats || lacks_rotations) {
    raise(ErrorCode::kShapeMismatch,
          "attention: coded pages of {} positions without their {}",
          end,
          lacks_floats ? "floats" : "rotations");
  }
}

void check_sequences(const AttentionShape& shape,
                     std::size_t n_rows,
                     std::span<const AttentionSequence> sequences) {
  for (const AttentionSequence& sequence : sequences) {
    const std::size_t end = sequence.start_position + sequence.n_tokens;
    if (sequence.first_row > n_rows || sequence.n_tokens > n_rows - sequence.first_row) {
      raise(ErrorCode::kShapeMismatch,
            "attention: a sequence has rows {} to {} of {}",
            sequence.first_row,
            sequence.first_row + sequence.n_tokens,
            n_rows);
    }
    if (sequence.pages.size() < ceil_div(end, shape.page_tokens)) {
      raise(ErrorCode::kShapeMismatch,
            "attention: {} pages of {} tokens do not hold {} positions",
            sequence.pages.size(),
            shape.page_tokens,
            end);
    }
    if (shape.coding != nullptr) {
      check_beside(shape, sequence, end);
    }
  }
}

struct Tile {
  const AttentionSequence* sequence;
  std::size_t first;  ///< query within the sequence
  std::size_t kv_head;
};

/// Late tiles see more keys: they go first, so that the threads end together.
std::vector<Tile> split(const AttentionShape& shape, std::span<const AttentionSequence> sequences) {
  std::vector<Tile> tiles;
  for (const AttentionSequence& sequence : sequences) {
    const std::size_t n_tiles = ceil_div(sequence.n_tokens, kQueryTile);
    for (std::size_t i = n_tiles; i-- > 0;) {
      for (std::size_t head = 0; head < shape.n_kv_heads; ++head) {
        tiles.push_back({&sequence, i * kQueryTile, head});
      }
    }
  }
  return tiles;
}

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

kernels::CodedKv coded_kv(const AttentionShape& shape, const Tile& tile) {
  const KvCoding& coding = *shape.coding;
  return {.keys = coding.scheme->keys,
          .values = coding.scheme->values,
          .shape = {shape.n_kv_heads, shape.head_dim},
          .head = tile.kv_head,
          .tables = coding.tables,
          .floats = tile.sequence->floats.data(),
          .float_tokens = float_tokens(*coding.scheme),
          .has_halves = shape.kv_dtype == DType::kF16,
          .residual = coding.scheme->residual,
          .n_sinks = coding.scheme->n_sinks,
          .rotations = coding.rotations != nullptr ? coding.rotations->pages().data() : nullptr};
}

}  // namespace

void attention(const AttentionShape& shape,
               MatrixView<const float> q,
               std::span<const AttentionSequence> sequences,
               MatrixView<float> out,
               ThreadPool& pool) {
  check_shape(shape);
  check_cols("q", q.cols, shape.n_heads, shape.head_dim);
  check_cols("out", out.cols, shape.n_heads, shape.head_dim);
  check_sequences(shape, std::min(q.rows, out.rows), sequences);
  const auto& set = *kernels::kernels().attention;
  const auto kernel = shape.kv_dtype == DType::kF32 ? set.f32 : set.f16;
  const std::size_t group = shape.n_heads / shape.n_kv_heads;
  const std::vector<Tile> tiles = split(shape, sequences);
  pool.run(tiles.size(), [&](std::size_t i, std::size_t /*worker*/) {
    const Tile& tile = tiles[i];
    const std::size_t row = tile.sequence->first_row + tile.first;
    const std::size_t col = tile.kv_head * group * shape.head_dim;
    const kernels::AttentionTask task = {
        .q = q.row(row) + col,
        .out = out.row(row) + col,
        .q_stride = q.stride,
        .out_stride = out.stride,
        .n_queries = std::min(kQueryTile, tile.sequence->n_tokens - tile.first),
        .n_heads = group,
        .head_dim = shape.head_dim,
        .first_position = tile.sequence->start_position + tile.first,
        .pages = tile.sequence->pages.data(),
        .page_tokens = shape.page_tokens,
        .kv_offset = tile.kv_head * shape.page_tokens * shape.head_dim,
        .scale = shape.scale,
        .softcap = shape.softcap,
        .window = shape.window};
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
  check_shape(shape);
  check_cols("k", k.cols, shape.n_kv_heads, shape.head_dim);
  check_cols("v", v.cols, shape.n_kv_heads, shape.head_dim);
  check_sequences(shape, std::min(k.rows, v.rows), sequences);
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
