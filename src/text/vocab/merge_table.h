/// Which two neighbouring symbols merge, how early, and into what.
///
/// Layout     open addressing over (left, right), at most three quarters full, 16 bytes a slot
/// Threads    immutable once built; reentrant
/// Errors     none
/// Source     our own
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "text/tokenizer.h"

namespace nibble::text {

inline constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();

struct Merge {
  std::uint32_t rank = kNoRank;  ///< lower merges first; kNoRank: the pair does not merge
  TokenId result = -1;
};

class MergeTable {
 public:
  MergeTable() = default;
  explicit MergeTable(std::size_t n_expected);

  /// The first rank given to a pair stays unless `rank` is lower.
  void add(TokenId left, TokenId right, Merge merge);
  [[nodiscard]] Merge find(TokenId left, TokenId right) const noexcept {
    if (slots_.empty()) {
      return {};
    }
    return slots_[find_slot(key(left, right))].merge;
  }
  [[nodiscard]] std::size_t size() const noexcept { return n_used_; }

 private:
  struct Slot {
    std::uint64_t key = kFree;
    Merge merge;
  };
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};  // no pair of non-negative ids

  static std::uint64_t key(TokenId left, TokenId right) noexcept {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }
  [[nodiscard]] std::size_t find_slot(std::uint64_t key) const noexcept {
    std::size_t i = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> shift_);
    while (slots_[i].key != key && slots_[i].key != kFree) {
      i = i + 1 == slots_.size() ? 0 : i + 1;
    }
    return i;
  }
  void grow();

  std::vector<Slot> slots_;
  int shift_ = 63;
  std::size_t n_used_ = 0;
};

}  // namespace nibble::text
