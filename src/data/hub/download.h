/// One file of a hub, whole and checked, or absent.
///
/// Bytes go to PATH.part as they come; what an earlier download left there is hashed and gone on
/// from. The file appears under its name once its size and its hash are those of the listing:
/// SHA-256 for large files, the SHA-1 of git's blob for the others. A part whose hash is wrong is
/// removed.
///
/// Errors     kCorruptData: another hash than the listing's, both named; those of listing.h; kIo
/// Source     git's object format (gitformat-loose, blob)
#pragma once

#include <filesystem>
#include <string>

#include "base/progress.h"
#include "data/hub/listing.h"

namespace nibble::data {

/// Progress advances by bytes; those that were there count, too. Returns the SHA-256.
Result<std::string> download_file(HttpClient& client,
                                  const Hub& hub,
                                  const std::string& url,
                                  const HubFile& file,
                                  const std::filesystem::path& path,
                                  ProgressSink& progress);

}  // namespace nibble::data
