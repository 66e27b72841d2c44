#include "text/vocab/string_table.h"

#include <bit>
#include <functional>
#include <limits>

#include "base/check.h"

namespace nibble::text {
namespace {

/// Both tables keep 32-bit offsets.
void check_room(std::size_t n_used, std::size_t n_more) {
  if (n_more > std::numeric_limits<std::uint32_t>::max() - n_used) {
    raise(ErrorCode::kUnsupported, "vocabulary: more than 4 GiB of text");
  }
}

}  // namespace

void StringTable::reserve(std::size_t n_texts, std::size_t n_bytes) {
  ends_.reserve(n_texts);
  buffer_.reserve(n_bytes);
}

TokenId StringTable::add(std::string_view text) {
  check_room(buffer_.size(), text.size());
  buffer_.append(text);
  ends_.push_back(static_cast<std::uint32_t>(buffer_.size()));
  return static_cast<TokenId>(ends_.size() - 1);
}

StringIndex::StringIndex(std::size_t n_expected) {
  grow(std::bit_ceil(2 * n_expected + 2));
}

std::uint32_t StringIndex::hash(std::string_view text) noexcept {
  const std::size_t full = std::hash<std::string_view>{}(text);
  return static_cast<std::uint32_t>(full ^ (full >> 32));
}

void StringIndex::grow(std::size_t n_slots) {
  std::vector<Slot> old(n_slots);
  old.swap(slots_);
  mask_ = n_slots - 1;
  for (const Slot& slot : old) {
    if (slot.value >= 0) {
      const std::string_view text = std::string_view(buffer_).substr(slot.begin, slot.n_bytes);
      slots_[find_slot(text, slot.hash)] = slot;
    }
  }
}

void StringIndex::set(std::string_view text, TokenId value) {
  NIBBLE_CHECK(value >= 0, "StringIndex::set of a negative value");
  if (2 * (n_used_ + 1) > slots_.size()) {
    grow(std::bit_ceil(2 * slots_.size() + 2));
  }
  const std::uint32_t h = hash(text);
  Slot& slot = slots_[find_slot(text, h)];
  if (slot.value < 0) {
    check_room(buffer_.size(), text.size());
    slot = {h,
            value,
            static_cast<std::uint32_t>(buffer_.size()),
            static_cast<std::uint32_t>(text.size())};
    buffer_.append(text);
    ++n_used_;
  }
  slot.value = value;
}

}  // namespace nibble::text
