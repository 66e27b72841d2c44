/// The probed queries of one forward pass: which rows of the batch they are, and where their masses
/// go.
///
/// Rows of a pass are probed where a chunk comes with an AttentionMass that asks for their
/// positions. Their queries are copied out of the layer's, or made alone where the stream has
/// narrowed, so that a probe leaves everything else as it is.
///
/// Shapes     q [n_rows, n_heads * head_dim], the probed rows one behind the other
/// Threads    one pass at a time
/// Errors     kInvalidArgument: an AttentionMass that another model was meant for, or given twice
/// Source     our own
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "model/attention_mass.h"
#include "model/language_model.h"
#include "model/layers/packed_batch.h"

namespace nibble::model {

class AttentionProbes {
 public:
  /// `batch` is made of the same chunks.
  AttentionProbes(const ModelConfig& config,
                  std::span<const SequenceChunk> chunks,
                  const PackedBatch& batch);

  /// Where the masses of a row go.
  struct Target {
    AttentionMass* mass;
    std::size_t row;  ///< of mass
  };

  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  /// Rows of the batch, ascending.
  [[nodiscard]] std::span<const std::uint32_t> rows() const noexcept { return rows_; }
  [[nodiscard]] std::span<const Target> targets() const noexcept { return targets_; }  ///< of rows
  [[nodiscard]] std::span<const std::int32_t> positions() const noexcept {
    return probed_.positions();
  }

  void enter_layer(const KvCache& cache, std::size_t layer);
  /// Measures the layer, whose keys are in the cache by now.
  void measure(const ops::AttentionShape& shape, MatrixView<const float> q, ThreadPool& pool);
  /// The pass is over: what was measured counts.
  void keep();

 private:
  void add_chunk(const SequenceChunk& chunk, std::size_t start_position, std::size_t first_row);

  std::vector<std::uint32_t> rows_;
  std::vector<Target> targets_;  ///< of each row
  PackedBatch probed_;
  std::size_t layer_ = 0;
};

}  // namespace nibble::model
