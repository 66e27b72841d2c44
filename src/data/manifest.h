/// SHA256SUMS of a data folder: what its files were when they came, as `sha256sum -c` reads it.
///
///   <64 hexadecimal digits>  <path below the folder>
///
/// Errors     kCorruptData "PATH:LINE: reason" for another line; kIo
/// Source     GNU coreutils sha256sum
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace nibble::data {

/// Path below the folder to its hash.
using Manifest = std::map<std::string, std::string>;

/// Empty where there is no SHA256SUMS.
Result<Manifest> read_manifest(const std::filesystem::path& folder);

/// Replaces the file as a whole.
Result<void> write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

/// SHA-256 of a file of any size.
Result<std::string> file_hash(const std::filesystem::path& path);

}  // namespace nibble::data
