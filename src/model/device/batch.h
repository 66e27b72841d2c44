/// The tokens of one forward pass on a device: where each stands, where its keys and values lie,
/// and how attention falls into tiles.
///
/// All of it is one block of memory that goes up in one copy. The block of a decode pass (one token
/// a sequence) has the same layout for as long as its sequences need no more than `page_room` pages
/// each, so that a recorded pass reads the next tokens from the same addresses.
///
/// Threads    one pass at a time; `upload` waits until the pass before has read its block
/// Errors     those of PackedBatch and Device
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/config.h"
#include "model/kv_cache.h"
#include "model/language_model.h"
#include "ops/device/device.h"

namespace nibble::model {

/// Pages that one block of attention sees; a constant, so that no batch changes the order of sums.
inline constexpr std::size_t kSplitPages = 4;

/// What a pass is made of, on the host. The cache counts the new tokens already.
struct BatchPlan {
  std::vector<std::int32_t> tokens, sequence_of, positions;
  std::vector<std::int32_t> first_page;
  std::vector<std::uint64_t> pages;
  std::vector<std::uint64_t> floats;  ///< beside pages that are coded: as `pages`, else nothing
  std::vector<kernels::cuda::QueryTile> tiles;
  std::vector<std::uint32_t> wanted;
  std::size_t most_pages = 0;  ///< of a sequence
  std::size_t n_splits = 1;
  std::size_t pages_per_split = 1;
  bool is_wide = false;    ///< see kernels::cuda::AttentionTask
  bool is_decode = false;  ///< one token a sequence
};

/// Whether a token's query heads of a key/value head are more than a narrow tile has rows: such
/// models have wide tiles only.
[[nodiscard]] inline bool has_large_groups(const ModelConfig& config) noexcept {
  return config.n_heads / config.n_kv_heads > kernels::cuda::kNarrowRows;
}

/// `is_wide` is for many tokens a sequence, whose keys need not be split. `page_room` is the least
/// room that each sequence gets in the list of pages.
struct PlanShape {
  bool is_wide = false;
  std::size_t page_room = 0;
};

/// Where the chunks stood before the pass is what their cache holds less their tokens.
BatchPlan plan_batch(const ModelConfig& config,
                     std::span<const SequenceChunk> chunks,
                     const KvCache& cache,
                     std::span<const std::uint32_t> wanted,
                     PlanShape shape);

/// The plan in the memory of a device.
class DeviceBatch {
 public:
  void upload(ops::Device& device, const BatchPlan& plan);

  [[nodiscard]] const kernels::cuda::BatchView& view() const noexcept { return view_; }
  [[nodiscard]] const kernels::cuda::QueryTile* tiles() const noexcept { return tiles_; }
  [[nodiscard]] const std::uint32_t* wanted() const noexcept { return wanted_; }
  [[nodiscard]] std::int32_t* tokens() const noexcept { return tokens_; }
  [[nodiscard]] std::int32_t* positions() const noexcept { return positions_; }
  /// Where the block lies: recorded passes know it.
  [[nodiscard]] const std::byte* address() const noexcept { return block_.data(); }

 private:
  ops::DeviceBuffer block_;
  std::shared_ptr<std::byte> staging_;
  kernels::cuda::BatchView view_;
  std::int32_t* tokens_ = nullptr;
  std::int32_t* positions_ = nullptr;
  const kernels::cuda::QueryTile* tiles_ = nullptr;
  const std::uint32_t* wanted_ = nullptr;
};

}  // namespace nibble::model
