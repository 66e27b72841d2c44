#include "data/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "base/file.h"
#include "base/hash.h"
#include "data/text_file.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "SHA256SUMS";
constexpr std::size_t kDigits = 64;
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

bool is_hash(std::string_view text) {
  return text.size() == kDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

Result<Manifest> read_manifest(const fs::path& folder) {
  const fs::path path = folder / kName;
  Manifest manifest;
  if (!fs::exists(path)) {
    return manifest;
  }
  auto text = read_text_file(path, kMaxBytes);
  if (!text) {
    return text.failure();
  }
  const std::string content = std::move(text).take();
  std::size_t number = 0;
  for (const std::string_view line : split_lines(content)) {
    ++number;
    if (line.empty()) {
      continue;
    }
    const bool is_entry = line.size() > kDigits + 2 && is_hash(line.substr(0, kDigits)) &&
                          line[kDigits] == ' ' &&
                          (line[kDigits + 1] == ' ' || line[kDigits + 1] == '*');
    if (!is_entry) {
      return fail(ErrorCode::kCorruptData,
                  "{}:{}: no entry, wanted a SHA-256, two blanks and a path",
                  path.string(),
                  number);
    }
    manifest[std::string(line.substr(kDigits + 2))] = line.substr(0, kDigits);
  }
  return manifest;
}

Result<void> write_manifest(const fs::path& folder, const Manifest& manifest) {
  std::string text;
  for (const auto& [path, hash] : manifest) {
    text += fmt::format("{}  {}\n", hash, path);
  }
  return write_file_atomic(folder / kName, text);
}

Result<std::string> file_hash(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kIo, "{}: cannot be read", path.string());
  }
  Sha256 hash;
  std::array<char, 1 << 16> buffer{};
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    hash.bytes(std::as_bytes(std::span(buffer.data(), static_cast<std::size_t>(file.gcount()))));
  }
  if (file.bad()) {
    return fail(ErrorCode::kIo, "{}: reading failed", path.string());
  }
  return hash.hex();
}

}  // namespace nibble::data
