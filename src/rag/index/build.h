/// Brings an index up to date with its source: new and changed documents are cut and embedded,
/// documents that are gone are dropped, all others stay as they are.
///
/// Documents are stored in transactions of some hundred, vectors likewise, so a killed run loses at
/// most the work of the last one; the next run goes on.
///
/// Errors     those of source.h and index_file.h; kCancelled between transactions
/// Source     our own
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/progress.h"
#include "rag/chunk/chunker.h"
#include "rag/encoder/encoder.h"
#include "rag/index/ann_build.h"
#include "rag/index/index_file.h"
#include "rag/source/source.h"

namespace nibble::rag {

struct BuildReport {
  std::size_t n_new = 0, n_changed = 0, n_same = 0, n_dropped = 0;
  std::size_t n_empty = 0;              ///< documents without any text: stored, without passages
  std::vector<std::string> unreadable;  ///< one message a file
  std::size_t n_embedded = 0;           ///< passages
  std::size_t n_cut = 0;                ///< passages longer than the encoder takes
  std::size_t n_tokens = 0;             ///< that went through the encoder
  double encode_seconds = 0.0;
  AnnReport ann;
};

/// Without `encoder` no vectors are made. `count` measures passages where the settings count
/// tokens. `ann` is the index of nearest neighbours that is made of the vectors.
BuildReport build_index(IndexFile& index,
                        const std::filesystem::path& source,
                        TokenCount count,
                        Encoder* encoder,
                        ProgressSink& progress,
                        const AnnRequest& ann = {});

/// Calls what it is given with each document.
using DocumentFeed = FunctionRef<void(OnDocument)>;
/// The same of documents that are no files.
BuildReport build_index_of(IndexFile& index,
                           DocumentFeed documents,
                           TokenCount count,
                           Encoder* encoder,
                           ProgressSink& progress,
                           const AnnRequest& ann = {});

}  // namespace nibble::rag
