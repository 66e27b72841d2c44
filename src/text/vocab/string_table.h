/// Texts by id and ids by text: the two directions of a vocabulary.
///
/// Layout     all texts in one buffer; the index is an open-addressing table of ids, at most half
///            full
/// Threads    immutable once built; reentrant
/// Errors     more than 4 GiB of text throws Error(kUnsupported)
/// Source     our own
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace nibble::text {

class StringTable {
 public:
  void reserve(std::size_t n_texts, std::size_t n_bytes);
  /// The new text's id: 0, 1, 2, …
  TokenId add(std::string_view text);

  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  /// `id` must be in range.
  [[nodiscard]] std::string_view at(TokenId id) const noexcept {
    const auto i = static_cast<std::size_t>(id);
    const std::uint32_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(buffer_).substr(begin, ends_[i] - begin);
  }
  [[nodiscard]] bool contains(TokenId id) const noexcept {
    return id >= 0 && static_cast<std::size_t>(id) < size();
  }

 private:
  std::string buffer_;
  std::vector<std::uint32_t> ends_;
};

/// Finds values by text; the texts lie in a buffer of its own.
class StringIndex {
 public:
  StringIndex() = default;
  explicit StringIndex(std::size_t n_expected);

  /// A text that is there already gets the new value.
  void set(std::string_view text, TokenId value);
  [[nodiscard]] std::optional<TokenId> find(std::string_view text) const noexcept {
    if (slots_.empty()) {
      return std::nullopt;
    }
    const Slot& slot = slots_[find_slot(text, hash(text))];
    return slot.value < 0 ? std::nullopt : std::optional(slot.value);
  }
  [[nodiscard]] std::size_t size() const noexcept { return n_used_; }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    TokenId value = -1;  ///< negative: free
    std::uint32_t begin = 0;
    std::uint32_t n_bytes = 0;
  };
  static std::uint32_t hash(std::string_view text) noexcept;
  /// The slot that holds `text`, or the free one where it belongs.
  [[nodiscard]] std::size_t find_slot(std::string_view text, std::uint32_t hash) const noexcept {
    std::size_t i = hash & mask_;
    while (slots_[i].value >= 0 &&
           (slots_[i].hash != hash ||
            std::string_view(buffer_).substr(slots_[i].begin, slots_[i].n_bytes) != text)) {
      i = (i + 1) & mask_;
    }
    return i;
  }
  void grow(std::size_t n_slots);

  std::string buffer_;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t n_used_ = 0;
};

}  // namespace nibble::text
