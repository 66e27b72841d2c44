/// Reads fields of a binary file in order and refuses to step past its end.
///
/// Layout     little-endian
/// Errors     throws Error(kCorruptData) "FIELD at byte N: what is wrong"; the parser that owns the
///            reader turns it into a Result
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.h"

namespace nibble::io {

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }

  template <class T>
  T read(std::string_view field) {
    T value;
    std::memcpy(&value, take(sizeof(T), field), sizeof(T));
    return value;
  }

  /// A number of things of at least `min_bytes` each that are still to come, at most `cap`.
  std::size_t read_count(std::string_view field, std::size_t cap, std::size_t min_bytes) {
    const std::size_t at = position_;
    const auto n = read<std::uint64_t>(field);
    if (n > cap) {
      raise(ErrorCode::kCorruptData, "{} at byte {}: {}, expected at most {}", field, at, n, cap);
    }
    if (n > remaining() / min_bytes) {
      raise(ErrorCode::kCorruptData,
            "{} at byte {}: {} do not fit in the {} bytes that are left",
            field,
            at,
            n,
            remaining());
    }
    return n;
  }

  /// A string with its length before it as 8 bytes.
  std::string_view read_string(std::string_view field, std::size_t max_bytes) {
    const std::size_t n = read_count(field, max_bytes, 1);
    return {reinterpret_cast<const char*>(take(n, field)), n};
  }

 private:
  const std::byte* take(std::size_t n, std::string_view field) {
    if (n > remaining()) {
      raise(ErrorCode::kCorruptData,
            "{} at byte {}: {} bytes expected, the file ends after {}",
            field,
            position_,
            n,
            remaining());
    }
    const std::byte* at = bytes_.data() + position_;
    position_ += n;
    return at;
  }

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace nibble::io
