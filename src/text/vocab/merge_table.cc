#include "text/vocab/merge_table.h"

#include <bit>

namespace nibble::text {
namespace {

int shift_for(std::size_t n_slots) {
  return 64 - std::countr_zero(n_slots);
}

}  // namespace

MergeTable::MergeTable(std::size_t n_expected)
    : slots_(std::bit_ceil(n_expected + n_expected / 3 + 2)), shift_(shift_for(slots_.size())) {}

void MergeTable::grow() {
  std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
  old.swap(slots_);
  shift_ = shift_for(slots_.size());
  for (const Slot& slot : old) {
    if (slot.key != kFree) {
      slots_[find_slot(slot.key)] = slot;
    }
  }
}

void MergeTable::add(TokenId left, TokenId right, Merge merge) {
  if (4 * (n_used_ + 1) > 3 * slots_.size()) {
    grow();
  }
  Slot& slot = slots_[find_slot(key(left, right))];
  if (slot.key == kFree) {
    slot = {key(left, right), merge};
    ++n_used_;
  } else if (merge.rank < slot.merge.rank) {
    slot.merge = merge;
  }
}

}  // namespace nibble::text
