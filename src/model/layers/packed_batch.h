/// The new tokens of any number of sequences, one behind the other, and where each stands in its
/// sequence.
///
/// Shapes     positions [n_rows]; the rows of a sequence are consecutive
/// Threads    `enter_layer` changes the page lists; otherwise immutable
/// Errors     kInvalidArgument: an empty chunk, a sequence given twice
/// Source     our own
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/kv_cache.h"
#include "model/language_model.h"
#include "ops/attention.h"

namespace nibble::model {

class PackedBatch {
 public:
  /// Of nothing.
  PackedBatch() = default;
  /// Each chunk goes on at its sequence's length in `cache`, which does not count the new tokens
  /// yet.
  PackedBatch(std::span<const SequenceChunk> chunks, const KvCache& cache);

  [[nodiscard]] std::size_t n_rows() const noexcept { return positions_.size(); }
  [[nodiscard]] std::span<const std::int32_t> positions() const noexcept { return positions_; }
  [[nodiscard]] std::span<const ops::AttentionSequence> sequences() const noexcept {
    return sequences_;
  }

  /// A batch of some of the rows (ascending): each run of neighbours is a sequence of its own over
  /// the same keys.
  [[nodiscard]] PackedBatch select(std::span<const std::uint32_t> rows) const;

  /// Points the sequences at their pages of `layer`; `cache` counts the new tokens now.
  void enter_layer(const KvCache& cache, std::size_t layer);

 private:
  void append(SequenceId id, std::size_t start_position, std::size_t n_tokens);

  std::vector<std::int32_t> positions_;
  std::vector<SequenceId> ids_;  ///< of each entry of sequences_
  std::vector<ops::AttentionSequence> sequences_;
  std::vector<std::vector<ops::KvPageView>> pages_, floats_;
};

}  // namespace nibble::model
