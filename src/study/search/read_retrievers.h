/// The [[retriever]] tables of a study file: how documents are searched for.
///
///   [[retriever]]
///   name       = "minilm-int4"       # what [[rag]] tables call it
///   mode       = "dense"             # bm25, dense, hybrid; dense where an encoder is named
///   encoder    = "all-MiniLM-L6-v2"  # a folder; beside the study file, or where the demo model is
///   codec      = "int4g32a"          # of its weights; as stored without
///   arithmetic = "f32"               # or native, deterministic
///   index      = "hnsw:M=16"         # flat without; ef_search = 64, nprobe = 16
///   vectors    = "int8g32s"          # codes of the vectors in memory, of a flat index
///   rescore    = 4                   # times as many are scored exactly, of codes and ivf-pq
///   k1         = 0.9                 # of BM25; b = 0.4
///
/// Errors     Error(kCorruptData) with file:line:column
/// Source     our own; docs/guide/study.md
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/toml.h"
#include "rag/answer/set_search.h"

namespace nibble::study {

struct RetrieverSpec {
  std::string name;
  rag::SetSearchSettings settings{};
};

/// `folder` is what relative paths are relative to, `models` where encoders lie beside that.
std::vector<RetrieverSpec> read_retrievers(TomlTable& root,
                                           const std::filesystem::path& folder,
                                           const std::filesystem::path& models);

/// The names that a [[rag]] table lists under "retriever".
std::vector<std::string> read_retriever_names(TomlTable& rag, std::span<const RetrieverSpec> known);

}  // namespace nibble::study
