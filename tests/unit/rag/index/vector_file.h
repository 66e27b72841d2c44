/// A file of an index that has vectors, without the encoder that would have made them.
#pragma once

#include <string>
#include <vector>

#include "rag/index/index_file.h"
#include "support/files.h"
#include "unit/rag/search/clustered.h"

namespace nibble::rag::testing {

class VectorFile {
 public:
  static constexpr std::size_t kDims = 16;

  IndexFile open() {
    return IndexFile::open_or_create(folder_ / "i.rag",
                                     {.passages = "words:1:0",
                                      .encoder = "/models/e",
                                      .codec = "",
                                      .arithmetic = "f32",
                                      .encoder_hash = "abc",
                                      .dims = kDims});
  }
  /// A document of `n` passages with vectors.
  static void put(IndexFile& index, const std::string& name, std::size_t n, std::uint32_t seed) {
    index.begin_run();
    const std::vector<TextRange> passages(n, TextRange{0, 1});
    store::Transaction transaction(index.database());
    index.put({.name = name, .title = "", .text = "x"}, passages);
    transaction.commit();
    index.set_vectors(index.without_vector(n), clustered(n, kDims, seed));
  }
  std::filesystem::path path() const { return folder_ / "i.rag"; }

 private:
  nibble::testing::TempFolder folder_;
};

}  // namespace nibble::rag::testing
