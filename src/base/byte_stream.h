/// Bytes in order, from and to something that the code between does not know.
///
/// Threads    not reentrant
/// Errors     kIo with the path and the system's reason; `read` beyond the end is kCorruptData
/// Source     our own
#pragma once

#include <cstddef>
#include <span>

namespace nibble {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Bytes to the end, so that a size can be checked before memory is taken for it.
  [[nodiscard]] virtual std::size_t remaining() const noexcept = 0;
  virtual void read(std::span<std::byte> out) = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

}  // namespace nibble
