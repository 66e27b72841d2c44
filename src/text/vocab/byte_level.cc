#include "text/vocab/byte_level.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace nibble::text {
namespace {

constexpr bool prints(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Tables {
  std::array<char32_t, 256> char_of_byte{};
  std::array<std::int16_t, 0x144> byte_of_char{};
};

constexpr Tables make_tables() {
  Tables tables;
  tables.byte_of_char.fill(-1);
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char32_t value = prints(byte) ? byte : next++;
    tables.char_of_byte[byte] = value;
    tables.byte_of_char[value] = static_cast<std::int16_t>(byte);
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  for (std::size_t i = 0; i < spelling.size();) {
    const utf8::CodePoint point = utf8::decode(spelling, i);
    if (point.value >= kTables.byte_of_char.size() || kTables.byte_of_char[point.value] < 0) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(kTables.byte_of_char[point.value]));
    i += point.n_bytes;
  }
  return bytes;
}

std::string spelling_of_bytes(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) {
    utf8::append(spelling, kTables.char_of_byte[static_cast<unsigned char>(byte)]);
  }
  return spelling;
}

}  // namespace nibble::text
