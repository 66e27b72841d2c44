/// JSON lines: one value a line, blank lines skipped; plain or gzip.
///
/// Errors     as read_text; kCorruptData "PATH:LINE:COLUMN: reason", and for a file without values
/// Source     our own
#pragma once

#include <filesystem>

#include "base/json.h"
#include "base/result.h"
#include "data/data_set.h"

namespace nibble::data {

Result<DataSet<Json>> read_jsonl(const std::filesystem::path& path);

}  // namespace nibble::data
