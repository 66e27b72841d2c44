/// The rows of a data set as named columns, whatever file they come from.
///
///   .jsonl   a JSON object a line                         .json   a JSON list of objects
///   .csv     records; the first names the columns unless `csv_columns` does
///   squad    SQuAD's nested JSON as the columns id, title, context, question, answers.text
///   hellaswag  the text form of six lines an item as activity_label, ctx_a, ctx_b, endings, label
///
/// Each may be gzip (".gz" behind).
///
/// Errors     as read_text; kCorruptData "PATH:LINE: reason"; kUnsupported for another extension;
///            kCorruptData for a file without rows
/// Source     column names as on the Hugging Face hub
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/data_set.h"
#include "text/jinja/value.h"

namespace nibble::data {

struct RowFormat {
  std::string reader;                    ///< "squad", "hellaswag"; "": by the extension
  std::vector<std::string> csv_columns;  ///< of a file without a line of names
};

/// A dictionary each.
using Row = text::jinja::Value;

Result<DataSet<Row>> read_rows(const std::filesystem::path& path, const RowFormat& format = {});

}  // namespace nibble::data
