#include "rag/source/formats.h"

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/utf8.h"

namespace nibble::rag {
namespace {

constexpr std::array kFormats = {
    FormatRow{".txt", &read_plain},
    FormatRow{".text", &read_plain},
    FormatRow{".md", &read_markdown},
    FormatRow{".markdown", &read_markdown},
    FormatRow{".html", &read_html},
    FormatRow{".htm", &read_html},
    FormatRow{".pdf", &read_pdf},
};

std::string ending_of(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return ending;
}

}  // namespace

std::span<const FormatRow> format_table() {
  return kFormats;
}

const FormatRow* find_format(const std::filesystem::path& path) {
  const auto row = std::ranges::find(kFormats, ending_of(path), &FormatRow::ending);
  return row == kFormats.end() ? nullptr : &*row;
}

Result<Document> read_document(const std::filesystem::path& path, const FormatRow& format) {
  const auto bytes = read_text_file(path, kMaxSourceBytes);
  if (!bytes) {
    return bytes.failure();
  }
  try {
    Document out = format.read(*bytes);
    if (const auto at = utf8::first_invalid(out.text)) {
      return fail(ErrorCode::kCorruptData, "{}: not UTF-8 at byte {}", path.string(), *at);
    }
    return out;
  } catch (const Error& error) {
    return error.failure().within(path.string());
  }
}

Document read_plain(std::string_view bytes) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (bytes.starts_with(kByteOrderMark)) {
    bytes.remove_prefix(kByteOrderMark.size());
  }
  return {.name = {}, .title = {}, .text = std::string(bytes)};
}

}  // namespace nibble::rag
