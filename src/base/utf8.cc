#include "base/utf8.h"

namespace nibble::utf8 {
namespace {

constexpr CodePoint kMalformed{0xFFFD, 1, false};

bool is_continuation(unsigned char byte) noexcept {
  return (byte & 0xC0) == 0x80;
}

}  // namespace

CodePoint decode(std::string_view text, std::size_t offset) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[offset + i]); };
  const unsigned char first = at(0);
  if (first < 0x80) {
    return {first, 1, true};
  }
  const std::size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - offset < n) {
    return kMalformed;
  }
  char32_t value = first & (0x7FU >> n);
  for (std::size_t i = 1; i < n; ++i) {
    if (!is_continuation(at(i))) {
      return kMalformed;
    }
    value = (value << 6) | (at(i) & 0x3FU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[n] || value > 0x10FFFF || surrogate) {
    return kMalformed;
  }
  return {value, n, true};
}

void append(std::string& out, char32_t value) {
  const auto push = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    push(value);
  } else if (value < 0x800) {
    push(0xC0 | (value >> 6));
    push(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    push(0xE0 | (value >> 12));
    push(0x80 | ((value >> 6) & 0x3F));
    push(0x80 | (value & 0x3F));
  } else {
    push(0xF0 | (value >> 18));
    push(0x80 | ((value >> 12) & 0x3F));
    push(0x80 | ((value >> 6) & 0x3F));
    push(0x80 | (value & 0x3F));
  }
}

std::optional<std::size_t> first_invalid(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode(text, i);
    if (!point.valid) {
      return i;
    }
    i += point.n_bytes;
  }
  return std::nullopt;
}

std::size_t length(std::string_view text) noexcept {
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++n) {
    i += decode(text, i).n_bytes;
  }
  return n;
}

std::size_t complete_prefix(std::string_view text) noexcept {
  // Only the last three bytes can belong to an unfinished character.
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (is_continuation(byte)) {
      continue;
    }
    const std::size_t n = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1;
    return n > back && byte <= 0xF4 ? text.size() - back : text.size();
  }
  return text.size();
}

bool is_space(char32_t value) noexcept {
  switch (value) {
    case 0x20:
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000:
      return true;
    default:
      return (value >= 0x09 && value <= 0x0D) || (value >= 0x1C && value <= 0x1F) ||
             (value >= 0x2000 && value <= 0x200A);
  }
}

std::string_view rstrip(std::string_view text) noexcept {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode(text, i);
    i += point.n_bytes;
    if (!is_space(point.value)) {
      end = i;
    }
  }
  return text.substr(0, end);
}

std::string_view strip(std::string_view text) noexcept {
  std::size_t start = 0;
  while (start < text.size()) {
    const CodePoint point = decode(text, start);
    if (!is_space(point.value)) {
      break;
    }
    start += point.n_bytes;
  }
  return rstrip(text.substr(start));
}

}  // namespace nibble::utf8
