/// Text files from outside: plain or gzip, UTF-8 throughout, with their hash.
///
/// Errors     kNotFound, kIo; kCorruptData "PATH: not UTF-8 at byte N" or for an empty file
/// Source     our own
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::data {

struct TextFile {
  std::string text;    ///< inflated
  std::string sha256;  ///< of the file as it lies on disk
};

/// Inflates names that end in ".gz".
Result<TextFile> read_text(const std::filesystem::path& path);

/// Lines without their "\n" (a "\r" before it stays); a final "\n" ends the last line and begins
/// none.
std::vector<std::string_view> split_lines(std::string_view text);

}  // namespace nibble::data
