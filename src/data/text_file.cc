#include "data/text_file.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/utf8.h"

namespace nibble::data {

Result<TextFile> read_text(const std::filesystem::path& path) {
  const auto raw = MappedFile::open(path);
  if (!raw) {
    return raw.failure();
  }
  auto text = read_text_or_gzip(path);
  if (!text) {
    return text.failure();
  }
  if (text->empty()) {
    return fail(ErrorCode::kCorruptData, "{}: empty, expected text", path.string());
  }
  if (const auto offset = utf8::first_invalid(*text)) {
    return fail(ErrorCode::kCorruptData, "{}: not UTF-8 at byte {}", path.string(), *offset);
  }
  return TextFile{std::move(*text), Sha256().bytes((*raw)->bytes()).hex()};
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace nibble::data
