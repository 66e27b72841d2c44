/// Reads Protocol Buffers messages field by field, within bounds, without generated code.
///
///   for (WireReader in(bytes); in.next();) { if (in.field() == 1) use(in.bytes()); }
///
/// A field that is not asked for is skipped. A value of another wire type than asked for is an
/// error.
///
/// Threads    none shared
/// Errors     Error(kCorruptData) with the offset
/// Source     Protocol Buffers encoding; groups (deprecated) are refused
#pragma once

#include <cstdint>
#include <string_view>

namespace nibble::text {

class WireReader {
 public:
  explicit WireReader(std::string_view message) : message_(message) {}

  /// Goes to the next field; false at the end of the message.
  bool next();
  [[nodiscard]] std::uint64_t field() const noexcept { return field_; }

  [[nodiscard]] std::uint64_t varint() const;
  [[nodiscard]] std::string_view bytes() const;
  [[nodiscard]] float float32() const;

 private:
  enum class Type : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  std::uint64_t read_varint();
  std::string_view read_bytes(std::uint64_t n);
  void require(Type type, std::string_view wanted) const;

  std::string_view message_;
  std::size_t at_ = 0;
  std::uint64_t field_ = 0;
  Type type_ = Type::kVarint;
  std::uint64_t number_ = 0;
  std::string_view content_;
};

}  // namespace nibble::text
