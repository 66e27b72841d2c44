#include "text/read/wire_reader.h"

#include <cstring>

#include "base/error.h"

namespace nibble::text {

std::uint64_t WireReader::read_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at_ == message_.size()) {
      raise(ErrorCode::kCorruptData, "message ends inside a number at offset {}", at_);
    }
    const auto byte = static_cast<unsigned char>(message_[at_++]);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  raise(ErrorCode::kCorruptData, "number longer than 64 bits before offset {}", at_);
}

std::string_view WireReader::read_bytes(std::uint64_t n) {
  if (n > message_.size() - at_) {
    raise(ErrorCode::kCorruptData,
          "field {} wants {} bytes at offset {}, the message has {}",
          field_,
          n,
          at_,
          message_.size() - at_);
  }
  const std::string_view bytes = message_.substr(at_, n);
  at_ += n;
  return bytes;
}

bool WireReader::next() {
  if (at_ == message_.size()) {
    return false;
  }
  const std::uint64_t tag = read_varint();
  field_ = tag >> 3;
  type_ = static_cast<Type>(tag & 7);
  switch (type_) {
    case Type::kVarint:
      number_ = read_varint();
      return true;
    case Type::kFixed64:
      content_ = read_bytes(8);
      return true;
    case Type::kBytes:
      content_ = read_bytes(read_varint());
      return true;
    case Type::kFixed32:
      content_ = read_bytes(4);
      return true;
  }
  raise(ErrorCode::kCorruptData,
        "field {} before offset {} has wire type {}, which is not known",
        field_,
        at_,
        tag & 7);
}

void WireReader::require(Type type, std::string_view wanted) const {
  if (type_ != type) {
    raise(ErrorCode::kCorruptData, "field {} before offset {} is not {}", field_, at_, wanted);
  }
}

std::uint64_t WireReader::varint() const {
  require(Type::kVarint, "a number");
  return number_;
}

std::string_view WireReader::bytes() const {
  require(Type::kBytes, "a text or message");
  return content_;
}

float WireReader::float32() const {
  require(Type::kFixed32, "a float");
  float value = 0;
  std::memcpy(&value, content_.data(), sizeof(value));
  return value;
}

}  // namespace nibble::text
