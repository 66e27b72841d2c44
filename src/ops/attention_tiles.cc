#include "ops/attention_tiles.h"

#include <algorithm>

#include "base/checked_math.h"
#include "base/error.h"

namespace nibble::ops {
namespace {

/// Query rows of one task: long enough to reuse a tile of keys, short enough to spread a prompt
/// over many threads.
constexpr std::size_t kQueryTile = 32;

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

}  // namespace

void check_attention_shape(const AttentionShape& shape) {
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

void check_attention_cols(const char* what,
                          std::size_t found,
                          std::size_t n_heads,
                          std::size_t head_dim) {
  if (found != n_heads * head_dim) {
    raise(ErrorCode::kShapeMismatch,
          "attention: rows of {} are {} long, {} heads of {} are wanted",
          what,
          found,
          n_heads,
          head_dim);
  }
}

void check_attention_sequences(const AttentionShape& shape,
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

std::vector<AttentionTile> attention_tiles(const AttentionShape& shape,
                                           std::span<const AttentionSequence> sequences) {
  std::vector<AttentionTile> tiles;
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

kernels::AttentionTask attention_task(const AttentionShape& shape,
                                      MatrixView<const float> q,
                                      const AttentionTile& tile) {
  const std::size_t group = shape.n_heads / shape.n_kv_heads;
  return {.q = q.row(tile.row()) + tile.kv_head * group * shape.head_dim,
          .out = nullptr,
          .q_stride = q.stride,
          .out_stride = 0,
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
}

kernels::CodedKv coded_kv(const AttentionShape& shape, const AttentionTile& tile) {
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

}  // namespace nibble::ops
