/// Rankings: the best of many scores, and several rankings as one.
///
/// Units      `item` is the number of a passage
/// Layout     score descending; equal scores by item ascending
/// Threads    pure functions
/// Source     reciprocal rank fusion: Cormack, Clarke and Büttcher 2009
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nibble::rag {

struct Hit {
  std::uint32_t item = 0;
  double score = 0.0;
  bool operator==(const Hit&) const = default;
};

constexpr bool is_better(const Hit& a, const Hit& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

/// The `k` best of many hits that come one by one. NaN is no hit.
class BestHits {
 public:
  explicit BestHits(std::size_t k) : k_(k) {}

  void offer(const Hit& hit) {
    if (heap_.size() < k_) {
      if (hit.score == hit.score) {
        heap_.push_back(hit);
        std::ranges::push_heap(heap_, is_better);
      }
    } else if (k_ > 0 && is_better(hit, heap_.front())) {
      std::ranges::pop_heap(heap_, is_better);
      heap_.back() = hit;
      std::ranges::push_heap(heap_, is_better);
    }
  }
  /// Best first.
  std::vector<Hit> take() {
    std::ranges::sort_heap(heap_, is_better);
    return std::move(heap_);
  }

 private:
  std::size_t k_;
  std::vector<Hit> heap_;  ///< the worst of the best in front
};

/// The `k` best of `scores`. Scores that are not above `floor` are no hits.
std::vector<Hit> best_of(std::span<const double> scores, std::size_t k, double floor);
std::vector<Hit> best_of(std::span<const float> scores, std::size_t k);
/// `hits` in order, no more than `k`.
void keep_best(std::vector<Hit>& hits, std::size_t k);

/// Each item's score is the sum over rankings of 1 / (constant + rank), ranks from 1.
std::vector<Hit> fuse_by_rank(std::span<const std::vector<Hit>> rankings,
                              std::size_t k,
                              double constant = 60.0);

}  // namespace nibble::rag
