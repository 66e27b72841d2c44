#include "model/device/needs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/checked_math.h"
#include "model/device/batch.h"
#include "model/device/buffers.h"
#include "model/kv_cache.h"
#include "model/weights.h"
#include "ops/device/linear.h"

namespace nibble::model {
namespace {

/// Of kernels that are loaded on first use, of cuBLASLt, and of what allocations are rounded up by.
constexpr std::size_t kDriverBytes = std::size_t{160} << 20;
/// Codes, scales, offsets and factors of a matrix.
constexpr std::size_t kPiecesOfMatrix = 4;

/// One weight of a layer that becomes rows of a packed matrix.
struct PlannedPart {
  std::string_view name;
  std::size_t rows;
};
struct PlannedMatrix {
  std::vector<PlannedPart> parts;
  std::size_t cols;

  [[nodiscard]] std::size_t rows() const {
    std::size_t n = 0;
    for (const PlannedPart& part : parts) {
      n += part.rows;
    }
    return n;
  }
};

std::array<PlannedMatrix, 4> layer_matrices(const ModelConfig& config) {
  const std::size_t q_rows = config.n_heads * config.head_dim;
  const std::size_t kv_rows = config.n_kv_heads * config.head_dim;
  return {{{{{"self_attn.q_proj", q_rows},
             {"self_attn.k_proj", kv_rows},
             {"self_attn.v_proj", kv_rows}},
            config.hidden},
           {{{"self_attn.o_proj", config.hidden}}, q_rows},
           {{{"mlp.gate_proj", config.intermediate}, {"mlp.up_proj", config.intermediate}},
            config.hidden},
           {{{"mlp.down_proj", config.hidden}}, config.intermediate}}};
}

/// Sizes of the weights of one checkpoint as they will lie on a device.
class NeedsReader {
 public:
  NeedsReader(const io::Checkpoint& checkpoint, const ModelConfig& config)
      : checkpoint_(checkpoint), config_(config) {}

  std::size_t packed(const PlannedMatrix& matrix, std::string_view prefix) const {
    std::vector<codec::EncodedMatrix> sources;
    for (const PlannedPart& part : matrix.parts) {
      sources.push_back(
          stored(fmt::format("{}{}.weight", prefix, part.name), part.rows, matrix.cols));
    }
    return kernels::packed_bytes(sources, matrix.rows()) + kPiecesOfMatrix * ops::kBlockAlignment;
  }
  std::size_t layer(std::size_t i) const {
    std::size_t n_bytes = 0;
    for (const PlannedMatrix& matrix : layer_matrices(config_)) {
      n_bytes += packed(matrix, fmt::format("model.layers.{}.", i));
    }
    return n_bytes;
  }

 private:
  codec::EncodedMatrix stored(const std::string& name, std::size_t rows, std::size_t cols) const {
    auto found = find_weight(checkpoint_, config_, name);
    if (!found) {
      throw Error(found.failure().within(checkpoint_.path().string()));
    }
    if (found->rows != rows || found->cols != cols) {
      raise(ErrorCode::kShapeMismatch,
            "{}: {}: the configuration wants [{}, {}], the file has [{}, {}]",
            checkpoint_.path().string(),
            name,
            rows,
            cols,
            found->rows,
            found->cols);
    }
    return std::move(*found);
  }

  const io::Checkpoint& checkpoint_;
  const ModelConfig& config_;
};

/// Sums of parts of the keys, where attention splits them: in tiles of few rows, if groups fit one.
std::size_t attention_bytes(const ModelConfig& config, Arithmetic arithmetic, std::size_t rows) {
  const std::size_t heads = std::max<std::size_t>(1, config.n_heads / config.n_kv_heads);
  kernels::cuda::AttentionTask task;
  task.is_wide = has_large_groups(config);
  const std::size_t tile_rows =
      task.is_wide ? kernels::cuda::kWideRows : kernels::cuda::kNarrowRows;
  const std::size_t tile_tokens = std::max<std::size_t>(1, tile_rows / heads);
  const std::size_t tokens = arithmetic == Arithmetic::kDeterministic ? rows : kMostRecorded;
  task.shape.n_kv_heads = static_cast<int>(config.n_kv_heads);
  task.shape.head_dim = static_cast<int>(config.head_dim);
  task.n_tiles = static_cast<int>(
      arithmetic == Arithmetic::kDeterministic ? ceil_div(tokens, tile_tokens) : tokens);
  task.n_splits = static_cast<int>(ceil_div(ceil_div(rows, kPageTokens), kSplitPages));
  return kernels::cuda::attention_partial_floats(task) * sizeof(float);
}

/// Memory that products share.
std::size_t product_bytes(const ModelConfig& config, Arithmetic arithmetic, std::size_t rows) {
  if (arithmetic == Arithmetic::kDeterministic) {
    return 0;  // weights stream past each block's own tokens
  }
  const std::size_t widest = std::max(
      {2 * config.intermediate, qkv_cols(config), config.vocab, config.n_heads * config.head_dim});
  const std::size_t dense = std::max(widest * config.hidden, config.intermediate * config.hidden);
  const std::size_t cols =
      std::max({config.hidden, config.intermediate, config.n_heads * config.head_dim});
  return dense * kHalfBytes + rows * 2 * config.intermediate * kHalfBytes +
         kernels::cuda::kPartialFloats * sizeof(float) + kernels::cuda::arranged_bytes(rows, cols);
}

}  // namespace

std::size_t planned_cache_bytes(const ModelConfig& config) {
  const std::size_t n_tokens = 2 * std::min(config.context, kPlannedRows);
  return round_up(n_tokens, kPageTokens) * KvCache::bytes_per_token(config, DType::kF16);
}

std::size_t planned_work_bytes(const ModelConfig& config, Arithmetic arithmetic) {
  const std::size_t rows =
      std::max(kMostRecorded, std::bit_ceil(std::min(config.context, kPlannedRows)));
  const std::size_t logits =
      std::min(rows, logit_rows_at_once(config.vocab)) * config.vocab * sizeof(float);
  return rows * row_bytes(config) + logits + attention_bytes(config, arithmetic, rows) +
         product_bytes(config, arithmetic, rows) + kDriverBytes;
}

DeviceNeeds device_needs(const io::Checkpoint& checkpoint,
                         const ModelConfig& config,
                         Arithmetic arithmetic) {
  const NeedsReader reader(checkpoint, config);
  DeviceNeeds needs;
  needs.embedding_bytes = config.vocab * config.hidden * kHalfBytes;
  needs.head_bytes = reader.packed(
      {{{config.tied_embeddings ? "model.embed_tokens" : "lm_head", config.vocab}}, config.hidden},
      "");
  for (std::size_t i = 0; i < config.n_layers; ++i) {
    needs.layer_bytes.push_back(reader.layer(i));
  }
  needs.cache_bytes = planned_cache_bytes(config);
  needs.work_bytes = planned_work_bytes(config, arithmetic);
  if (!needs.layer_bytes.empty()) {
    needs.work_bytes = std::max(needs.work_bytes, std::ranges::max(needs.layer_bytes));
  }
  return needs;
}

}  // namespace nibble::model
