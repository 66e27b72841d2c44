#include "model/device/batch.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked_math.h"

namespace nibble::model {
namespace {

constexpr std::size_t kAlignment = 16;

/// Tokens of one sequence from `first_row` on, as tiles of at most `tile_tokens`.
void add_tiles(BatchPlan& plan,
               std::size_t first_row,
               std::size_t n_tokens,
               std::size_t tile_tokens) {
  for (std::size_t first = 0; first < n_tokens; first += tile_tokens) {
    plan.tiles.push_back({static_cast<std::int32_t>(first_row + first),
                          static_cast<std::int32_t>(std::min(tile_tokens, n_tokens - first))});
  }
}

/// Addresses of a sequence's pages, with room for more.
void add_pages(std::span<const ops::KvPageView> pages,
               std::size_t room,
               std::vector<std::uint64_t>& out) {
  const std::size_t first = out.size();
  for (const ops::KvPageView& page : pages) {
    out.push_back(std::bit_cast<std::uint64_t>(page.keys));
  }
  out.resize(first + room);
}

/// Lays pieces one behind the other.
class BlockLayout {
 public:
  template <class T>
  std::size_t add(const std::vector<T>& piece) {
    const std::size_t at = size_;
    size_ += (piece.size() * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return at;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_ = 0;
};

}  // namespace

BatchPlan plan_batch(const ModelConfig& config,
                     std::span<const SequenceChunk> chunks,
                     const KvCache& cache,
                     std::span<const std::uint32_t> wanted,
                     PlanShape shape) {
  BatchPlan plan;
  const std::size_t heads = config.n_heads / config.n_kv_heads;
  const bool needs_wide = has_large_groups(config);
  plan.is_wide = shape.is_wide || needs_wide;
  const std::size_t tile_tokens =
      (plan.is_wide ? kernels::cuda::kWideRows : kernels::cuda::kNarrowRows) / heads;
  std::vector<std::vector<ops::KvPageView>> pages;
  for (const SequenceChunk& chunk : chunks) {
    pages.push_back(cache.pages(chunk.sequence, 0));
    plan.most_pages = std::max(plan.most_pages, pages.back().size());
  }
  const std::size_t room = std::max(plan.most_pages, shape.page_room);
  for (std::size_t s = 0; s < chunks.size(); ++s) {
    const std::size_t first_row = plan.tokens.size();
    const std::size_t n = chunks[s].tokens.size();
    const std::size_t start = cache.length(chunks[s].sequence) - n;
    plan.tokens.insert(plan.tokens.end(), chunks[s].tokens.begin(), chunks[s].tokens.end());
    plan.sequence_of.insert(plan.sequence_of.end(), n, static_cast<std::int32_t>(s));
    for (std::size_t i = 0; i < n; ++i) {
      plan.positions.push_back(static_cast<std::int32_t>(start + i));
    }
    add_tiles(plan, first_row, n, tile_tokens);
    plan.first_page.push_back(static_cast<std::int32_t>(plan.pages.size()));
    add_pages(pages[s], room, plan.pages);
    if (cache.coding(0) != nullptr) {
      add_pages(cache.floats(chunks[s].sequence, 0), room, plan.floats);
    }
  }
  plan.is_decode = plan.tokens.size() == chunks.size();
  plan.wanted.assign(wanted.begin(), wanted.end());
  plan.n_splits = shape.is_wide ? 1 : ceil_div(room, kSplitPages);
  plan.pages_per_split = shape.is_wide ? plan.most_pages : kSplitPages;
  return plan;
}

void DeviceBatch::upload(ops::Device& device, const BatchPlan& plan) {
  BlockLayout layout;
  const std::size_t tokens = layout.add(plan.tokens);
  const std::size_t sequence_of = layout.add(plan.sequence_of);
  const std::size_t positions = layout.add(plan.positions);
  const std::size_t first_page = layout.add(plan.first_page);
  const std::size_t pages = layout.add(plan.pages);
  const std::size_t floats = layout.add(plan.floats);
  const std::size_t tiles = layout.add(plan.tiles);
  const std::size_t wanted = layout.add(plan.wanted);
  device.synchronize();  // the staging memory is read by the copy before
  if (block_.size() < layout.size()) {
    const std::size_t n_bytes = std::bit_ceil(layout.size());
    block_ = device.allocate(n_bytes);
    staging_ = device.allocate_host(n_bytes);
  }
  const auto put = [&](std::size_t at, const auto& piece) {
    std::memcpy(staging_.get() + at, piece.data(), piece.size() * sizeof(piece[0]));
  };
  put(tokens, plan.tokens);
  put(sequence_of, plan.sequence_of);
  put(positions, plan.positions);
  put(first_page, plan.first_page);
  put(pages, plan.pages);
  put(floats, plan.floats);
  put(tiles, plan.tiles);
  put(wanted, plan.wanted);
  device.upload(staging_.get(), block_.data(), layout.size());

  const auto at = [&](std::size_t offset) { return block_.data() + offset; };
  tokens_ = reinterpret_cast<std::int32_t*>(at(tokens));
  positions_ = reinterpret_cast<std::int32_t*>(at(positions));
  tiles_ = reinterpret_cast<const kernels::cuda::QueryTile*>(at(tiles));
  wanted_ = reinterpret_cast<const std::uint32_t*>(at(wanted));
  view_ = {
      .tokens = tokens_,
      .sequence_of = reinterpret_cast<const std::int32_t*>(at(sequence_of)),
      .positions = positions_,
      .first_page = reinterpret_cast<const std::int32_t*>(at(first_page)),
      .pages = reinterpret_cast<const std::uint64_t*>(at(pages)),
      .floats = plan.floats.empty() ? nullptr : reinterpret_cast<const std::uint64_t*>(at(floats)),
      .n_tokens = static_cast<int>(plan.tokens.size())};
}

}  // namespace nibble::model
