/// Which rows of a hub's data sets become which files of the data folder: those that the built-in
/// tasks read, in the columns of the hub.
///
/// A set with subjects is one row, whose path and part of the hub hold "{subject}".
///
/// Source     the cards of the data sets; sets and parts are those that lm-evaluation-harness
///            0.4.13 loads
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::data {

enum class FileForm : std::uint8_t {
  kJsonLines,
  kText,   ///< the column "text", an empty row as " \n" (WikiText)
  kSquad,  ///< SQuAD's nested JSON, put together from its questions
};

struct CatalogFile {
  std::string set;              ///< what `nibble data pull` is asked for: "arc_easy"
  std::string path;             ///< below the data folder
  std::string dataset, config;  ///< on the hub; config "": the set's only one, or its default
  std::string split;
  std::string licence;
  FileForm form = FileForm::kJsonLines;
  bool is_large = false;  ///< thousands of rows that only solved examples or calibration need
};

const std::vector<CatalogFile>& catalog();

/// The row of a file, its subject filled in; nullopt where it cannot be pulled.
std::optional<CatalogFile> catalog_file(std::string_view path);

/// The files of a set without subjects; kNotFound names the nearest known set.
Result<std::vector<CatalogFile>> files_of_set(std::string_view set);

}  // namespace nibble::data
