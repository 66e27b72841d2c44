/// Comma-separated values, plain or gzip.
///
/// A field in double quotes may hold separators, line ends and doubled quotes. Lines end in LF or
/// CRLF. The file's first row is a row like any other.
///
/// Errors     as read_text; kCorruptData "PATH:LINE: reason" for a quote that is not closed or
///            stands where it may not
/// Source     RFC 4180
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/data_set.h"

namespace nibble::data {

using CsvRow = std::vector<std::string>;

Result<DataSet<CsvRow>> read_csv(const std::filesystem::path& path, char separator = ',');

/// `where` heads the error messages.
Result<std::vector<CsvRow>> parse_csv(std::string_view text,
                                      std::string_view where,
                                      char separator = ',');

}  // namespace nibble::data
