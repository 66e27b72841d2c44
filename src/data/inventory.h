/// What lies in a data folder: files with their hash, whether it is the one of SHA256SUMS, and the
/// licence of their set.
///
/// The licence comes from the catalog, else from the section of the set in SOURCES.md
/// ("## name …", "- Licence: …").
///
/// Errors     kNotFound for no folder; kIo; those of the manifest
/// Source     our own
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace nibble::data {

enum class Known : std::uint8_t { kSame, kOther, kNotListed };

struct InventoryFile {
  std::string path;  ///< below the folder
  std::size_t n_bytes = 0;
  std::string sha256;
  Known known = Known::kNotListed;
  std::string licence;  ///< "": not known
};

/// Ordered by path; files right in the folder, parts of a pull and hidden files are left out.
Result<std::vector<InventoryFile>> take_inventory(const std::filesystem::path& folder);

}  // namespace nibble::data
