/// Numbers of an index's file, little-endian, with sizes checked before memory is taken.
///
/// Errors     kCorruptData where fewer bytes are left than are wanted
/// Source     our own
#pragma once

#include <bit>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "base/error.h"

namespace nibble::rag {

static_assert(std::endian::native == std::endian::little);

template <class T>
void write_values(ByteSink& to, std::span<const T> values) {
  to.write(std::as_bytes(values));
}
template <class T>
void write_value(ByteSink& to, T value) {
  write_values(to, std::span<const T>(&value, 1));
}

template <class T>
void read_values(ByteSource& from, std::span<T> out) {
  from.read(std::as_writable_bytes(out));
}
template <class T>
T read_value(ByteSource& from) {
  T value{};
  read_values(from, std::span<T>(&value, 1));
  return value;
}
template <class T>
std::vector<T> read_vector(ByteSource& from, std::size_t n, std::string_view what) {
  if (n > from.remaining() / sizeof(T)) {
    raise(
        ErrorCode::kCorruptData, "{}: {} are wanted, {} bytes are left", what, n, from.remaining());
  }
  std::vector<T> out(n);
  read_values(from, std::span<T>(out));
  return out;
}

}  // namespace nibble::rag
