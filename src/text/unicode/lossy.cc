#include "text/unicode/lossy.h"

#include <algorithm>

#include "base/utf8.h"

namespace nibble::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The well-formed range of a second byte after `lead` (Unicode 15, table 3-7); empty when `lead`
/// begins no character.
struct ByteRange {
  unsigned char first = 1, last = 0;
  [[nodiscard]] bool contains(unsigned char byte) const { return byte >= first && byte <= last; }
};

ByteRange second_bytes(unsigned char lead) {
  if (lead < 0xC2 || lead > 0xF4) {
    return {};
  }
  switch (lead) {
    case 0xE0:
      return {0xA0, 0xBF};
    case 0xED:
      return {0x80, 0x9F};
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};
    default:
      return {0x80, 0xBF};
  }
}

/// Bytes at the start of `bytes` that begin some character: the maximal subpart; at least 1.
std::size_t maximal_subpart(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const std::size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  ByteRange range = second_bytes(lead);
  std::size_t n = 1;
  while (n < std::min(wanted, bytes.size()) &&
         range.contains(static_cast<unsigned char>(bytes[n]))) {
    range = {0x80, 0xBF};
    ++n;
  }
  return n;
}

}  // namespace

void append_lossy(std::string& out, std::string_view bytes, Malformed rule) {
  for (std::size_t i = 0; i < bytes.size();) {
    const utf8::CodePoint point = utf8::decode(bytes, i);
    if (point.valid) {
      out.append(bytes.substr(i, point.n_bytes));
      i += point.n_bytes;
    } else {
      out.append(kReplacement);
      i += rule == Malformed::kByte ? 1 : maximal_subpart(bytes.substr(i));
    }
  }
}

void append_complete(std::string& out, std::string& bytes, Malformed rule) {
  const std::size_t n = utf8::complete_prefix(bytes);
  append_lossy(out, std::string_view(bytes).substr(0, n), rule);
  bytes.erase(0, n);
}

}  // namespace nibble::text
