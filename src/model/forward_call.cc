#include "model/forward_call.h"

#include <algorithm>
#include <functional>

#include "base/error.h"

namespace nibble::model {

std::size_t count_rows(std::span<const SequenceChunk> chunks) {
  std::size_t n_rows = 0;
  for (const SequenceChunk& chunk : chunks) {
    n_rows += chunk.tokens.size();
  }
  return n_rows;
}

void check_forward(const ModelConfig& config,
                   std::span<const SequenceChunk> chunks,
                   std::span<const std::uint32_t> wanted,
                   MatrixView<float> hidden) {
  for (const SequenceChunk& chunk : chunks) {
    for (const std::int32_t token : chunk.tokens) {
      if (token < 0 || static_cast<std::size_t>(token) >= config.vocab) {
        raise(ErrorCode::kInvalidArgument,
              "token {} is outside the vocabulary of {}",
              token,
              config.vocab);
      }
    }
  }
  const bool ascending = std::ranges::adjacent_find(wanted, std::greater_equal{}) == wanted.end();
  if (!ascending || (!wanted.empty() && wanted.back() >= count_rows(chunks))) {
    raise(ErrorCode::kInvalidArgument, "forward: wanted rows must ascend and lie in the batch");
  }
  if (hidden.rows != wanted.size() || (hidden.rows > 0 && hidden.cols != config.hidden)) {
    raise(ErrorCode::kShapeMismatch,
          "forward: hidden is [{}, {}], wanted [{}, {}]",
          hidden.rows,
          hidden.cols,
          wanted.size(),
          config.hidden);
  }
}

CacheGrowth::CacheGrowth(KvCache& cache, std::span<const SequenceChunk> chunks) : cache_(cache) {
  try {
    for (const SequenceChunk& chunk : chunks) {
      const std::size_t length = cache_.length(chunk.sequence);
      cache_.extend(chunk.sequence, chunk.tokens.size());
      grown_.push_back({chunk.sequence, length});
    }
  } catch (...) {
    take_back();
    throw;
  }
}

void CacheGrowth::take_back() {
  for (const Grown& grown : grown_) {
    cache_.truncate(grown.sequence, grown.old_length);
  }
  grown_.clear();
}

}  // namespace nibble::model
