/// What flows through the layers in one forward pass: the residual stream and the branch that a
/// block adds to it.
///
/// A layer normalizes, runs a block, adds its branch. Inside the last layer, once all keys and
/// values are made, the stream narrows to the rows that the caller wants; everything behind runs
/// on those only.
///
/// Shapes     hidden, normed, branch [n_rows, hidden]
/// Threads    one pass at a time
/// Source     our own
#pragma once

#include <optional>
#include <span>

#include "base/thread_pool.h"
#include "model/config.h"
#include "model/layers/attention_probes.h"
#include "model/layers/packed_batch.h"
#include "model/layers/workspace.h"

namespace nibble::model {

/// What a stream borrows from its model and its caller.
struct StreamContext {
  const ModelConfig& config;
  Workspace& workspace;
  ThreadPool& pool;
  KvCache& cache;
  AttentionProbes* probes = nullptr;  ///< where some row is probed
};

class Stream {
 public:
  /// `wanted` lists rows of `batch`, ascending.
  Stream(const StreamContext& context, PackedBatch batch, std::span<const std::uint32_t> wanted);

  /// Rows that flow now; all of the batch until `narrow`.
  [[nodiscard]] std::size_t n_rows() const noexcept { return hidden_.rows; }
  [[nodiscard]] MatrixView<float> hidden() const noexcept { return hidden_; }
  [[nodiscard]] MatrixView<float> normed() const noexcept { return normed_; }
  [[nodiscard]] MatrixView<float> branch() const noexcept { return branch_; }

  void enter_layer(std::size_t layer);
  /// normed = norm(hidden)
  void normalize(std::span<const float> weight);
  /// branch = norm(branch)
  void normalize_branch(std::span<const float> weight);
  /// hidden += branch
  void add_branch();

  /// Whether `narrow` is due in this layer.
  [[nodiscard]] bool narrows() const noexcept { return narrows_; }
  /// Leaves only the wanted rows in hidden and normed.
  void narrow();

  /// The rows that make keys and values: always the whole batch.
  [[nodiscard]] const PackedBatch& all() const noexcept { return all_; }
  /// The rows that ask: those that flow now.
  [[nodiscard]] const PackedBatch& queries() const noexcept {
    return narrowed_ ? *narrowed_ : all_;
  }

  /// Those whose attention is measured; nullptr where there are none.
  [[nodiscard]] AttentionProbes* probes() const noexcept { return context_.probes; }

  [[nodiscard]] MatrixView<float> scratch(Workspace::Slot slot,
                                          std::size_t rows,
                                          std::size_t cols) {
    return context_.workspace.matrix(slot, rows, cols);
  }
  [[nodiscard]] ThreadPool& pool() const noexcept { return context_.pool; }
  [[nodiscard]] DType kv_dtype() const noexcept { return context_.cache.dtype(); }
  /// Of this layer; nullptr where keys and values are floats.
  [[nodiscard]] const ops::KvCoding* kv_coding() const { return context_.cache.coding(layer_); }

 private:
  StreamContext context_;
  PackedBatch all_;
  std::span<const std::uint32_t> wanted_;
  std::optional<PackedBatch> narrowed_;
  std::size_t layer_ = 0;
  bool narrows_ = false;
  MatrixView<float> hidden_, normed_, branch_;
};

}  // namespace nibble::model
