/// Comma-separated values: records of fields, in quotes where a field holds commas, quotes ("" for
/// one) or line ends.
///
/// Errors     kCorruptData "PATH:LINE: reason" for a quote that is never closed or followed by
///            other text, and for a record with another number of fields than the first
/// Source     RFC 4180, line ends LF or CRLF
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::data {

struct CsvRecord {
  std::vector<std::string> fields;
  std::size_t line = 1;  ///< on which it begins
};

/// `where` heads the error message.
Result<std::vector<CsvRecord>> parse_csv(std::string_view text, std::string_view where);

}  // namespace nibble::data
