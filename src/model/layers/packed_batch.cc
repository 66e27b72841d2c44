#include "model/layers/packed_batch.h"

#include <algorithm>

namespace nibble::model {

PackedBatch::PackedBatch(std::span<const SequenceChunk> chunks, const KvCache& cache) {
  for (const SequenceChunk& chunk : chunks) {
    if (chunk.tokens.empty()) {
      raise(ErrorCode::kInvalidArgument, "forward: a chunk without tokens");
    }
    if (std::ranges::find(ids_, chunk.sequence) != ids_.end()) {
      raise(ErrorCode::kInvalidArgument, "forward: sequence {} is given twice", chunk.sequence);
    }
    append(chunk.sequence, cache.length(chunk.sequence), chunk.tokens.size());
  }
}

void PackedBatch::append(SequenceId id, std::size_t start_position, std::size_t n_tokens) {
  sequences_.push_back({n_rows(), n_tokens, start_position, {}});
  ids_.push_back(id);
  for (std::size_t i = 0; i < n_tokens; ++i) {
    positions_.push_back(static_cast<std::int32_t>(start_position + i));
  }
}

PackedBatch PackedBatch::select(std::span<const std::uint32_t> rows) const {
  PackedBatch out;
  std::size_t next = 0;
  for (std::size_t s = 0; s < sequences_.size(); ++s) {
    const std::size_t first = sequences_[s].first_row;
    const std::size_t end = first + sequences_[s].n_tokens;
    while (next < rows.size() && rows[next] < end) {
      std::size_t n = 1;
      while (next + n < rows.size() && rows[next + n] == rows[next] + n && rows[next + n] < end) {
        ++n;
      }
      out.append(ids_[s], sequences_[s].start_position + rows[next] - first, n);
      next += n;
    }
  }
  NIBBLE_CHECK(next == rows.size(), "PackedBatch: rows are not ascending or past the end");
  return out;
}

void PackedBatch::enter_layer(const KvCache& cache, std::size_t layer) {
  pages_.resize(sequences_.size());
  floats_.resize(sequences_.size());
  for (std::size_t s = 0; s < sequences_.size(); ++s) {
    pages_[s] = cache.pages(ids_[s], layer);
    sequences_[s].pages = pages_[s];
    if (cache.coding(layer) != nullptr) {
      floats_[s] = cache.floats(ids_[s], layer);
      sequences_[s].floats = floats_[s];
    }
  }
}

}  // namespace nibble::model
