/// What every decoder does around a forward pass, wherever it runs: checks what the caller gave,
/// and makes room in the cache.
///
/// Errors     kInvalidArgument: a token outside the vocabulary, wanted rows that do not ascend;
///            kShapeMismatch: no room for them; those of KvCache::extend
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/language_model.h"

namespace nibble::model {

/// Tokens of all chunks.
std::size_t count_rows(std::span<const SequenceChunk> chunks);

void check_forward(const ModelConfig& config,
                   std::span<const SequenceChunk> chunks,
                   std::span<const std::uint32_t> wanted,
                   MatrixView<float> hidden);

/// Makes room for the chunks and takes it back unless the pass succeeds.
class CacheGrowth {
 public:
  CacheGrowth(KvCache& cache, std::span<const SequenceChunk> chunks);
  ~CacheGrowth() { take_back(); }
  CacheGrowth(const CacheGrowth&) = delete;
  CacheGrowth& operator=(const CacheGrowth&) = delete;

  void keep() noexcept { grown_.clear(); }

 private:
  struct Grown {
    SequenceId sequence;
    std::size_t old_length;
  };
  void take_back();

  KvCache& cache_;
  std::vector<Grown> grown_;
};

}  // namespace nibble::model
