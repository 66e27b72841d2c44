/// A model of a hub in a folder of this machine, one revision to a folder.
///
/// The manifest nibble-pull.json is written when all files are there:
///   {"repository": "org/name", "revision": "main", "commit": "…", "licence": "…",
///    "files": [{"path": "…", "bytes": n, "sha256": "…"}, …]}
/// A pull that was stopped goes on; one that is repeated hashes what is there and fetches the rest.
///
/// Errors     those of listing.h, choose.h and download.h; kIo: less room on the disk than the
///            files need, or another pull into the folder is running; kMismatch: the folder holds
///            another commit, or a file that was changed
/// Source     our own
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/progress.h"
#include "data/hub/listing.h"

namespace nibble::data {

struct PullModelOptions {
  std::filesystem::path models;
  std::vector<std::string> patterns{};  ///< of paths; empty: what choose.h takes
  Hub hub{};
};

struct PulledPart {
  std::string path;
  std::size_t n_bytes = 0;
  std::string sha256;
  bool was_there = false;
};

struct PulledModel {
  std::filesystem::path folder;
  std::string commit;
  std::string licence;  ///< "": the hub does not say
  std::vector<PulledPart> files;
};

Result<PulledModel> pull_model(const ModelName& name,
                               const PullModelOptions& options,
                               ProgressSink& progress);

}  // namespace nibble::data
