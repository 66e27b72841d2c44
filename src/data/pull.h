/// Fills a file of the data folder from a hub's rows service, page by page.
///
///   GET <base>/rows?dataset=&config=&split=&offset=&length=
///   {"rows": [{"row_idx": n, "row": {…}, "truncated_cells": []}, …], "num_rows_total": N}
///
/// Where the catalog names no part of the set, the service is asked which there are:
///
///   GET <base>/splits?dataset=      {"splits": [{"config": "…", "split": "…"}, …]}
///
/// Rows go to FILE.part as they come; a pull that was stopped goes on behind the last whole row.
/// The file appears when it is complete, with its hash in SHA256SUMS. Columns keep the order of the
/// service, which is that of the data set.
///
/// Errors     kIo (network, disk); kNotFound for a set without such a split; kCorruptData for a
///            reply that is not as above, for rows out of order, cells that the service cut, and a
///            set that changed its size on the way; kMismatch where a file of another content is
///            there already; kCancelled
/// Source     the dataset viewer's API
#pragma once

#include <filesystem>
#include <string>

#include "base/progress.h"
#include "data/catalog.h"
#include "data/http.h"

namespace nibble::data {

inline constexpr std::string_view kRowsService = "https://datasets-server.huggingface.co";

struct PullOptions {
  std::filesystem::path folder;  ///< of the data sets
  std::string base_url = std::string(kRowsService);
  std::size_t page_rows = 100;  ///< the most that the service gives
  HttpOptions http{};
};

struct PulledFile {
  std::filesystem::path path;
  std::string sha256;
  std::size_t n_rows = 0;  ///< 0 where the file was there already
  bool was_there = false;
};

Result<PulledFile> pull_file(const CatalogFile& file,
                             const PullOptions& options,
                             ProgressSink& progress);

}  // namespace nibble::data
