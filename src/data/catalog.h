/// Which rows of a hub's data sets become which files of the data folder.
///
/// Listed are the sets whose columns are those that the tasks read from the file; others have to be
/// put there by hand (docs/guide/data.md).
///
/// Source     the cards of the data sets
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::data {

enum class FileForm : std::uint8_t {
  kJsonLines,
  kText,  ///< the column "text", an empty row as " \n" (WikiText)
};

struct CatalogFile {
  std::string_view set;                     ///< what `nibble data pull` is asked for: "arc_easy"
  std::string_view path;                    ///< below the data folder
  std::string_view dataset, config, split;  ///< on the hub
  std::string_view licence;
  FileForm form = FileForm::kJsonLines;
};

std::span<const CatalogFile> catalog();

/// The files of a set; kNotFound names the nearest known one.
Result<std::vector<CatalogFile>> files_of_set(std::string_view set);

}  // namespace nibble::data
