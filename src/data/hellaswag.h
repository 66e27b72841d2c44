/// HellaSwag in the text form of six lines an item: "ACTIVITY: CONTEXT", the number of the right
/// ending (0 to 3), four endings.
///
/// Errors     as read_text; kCorruptData "PATH:LINE: reason"
/// Source     hellaswag_val_full.txt
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "data/data_set.h"

namespace nibble::data {

struct HellaswagRecord {
  std::string activity;  ///< before the first ": "
  std::string context;   ///< after it
  std::array<std::string, 4> endings;
  std::size_t gold = 0;
};

Result<DataSet<HellaswagRecord>> hellaswag_records(const std::filesystem::path& path);

}  // namespace nibble::data
