/// Parts of one piece of memory, one behind the other; without memory, what they need together.
///
/// Units      bytes
/// Source     our own
#pragma once

#include <cstddef>

namespace nibble::quant {

class Arena {
 public:
  Arena() = default;
  explicit Arena(std::byte* bytes) : bytes_(bytes) {}

  template <class T>
  T* take(std::size_t n) {
    return reinterpret_cast<T*>(take(n * sizeof(T)));
  }
  std::byte* take(std::size_t n_bytes) {
    constexpr std::size_t kAlignment = 256;
    std::byte* const out = bytes_ == nullptr ? nullptr : bytes_ + used_;
    used_ += (n_bytes + kAlignment - 1) / kAlignment * kAlignment;
    return out;
  }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

 private:
  std::byte* bytes_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace nibble::quant
