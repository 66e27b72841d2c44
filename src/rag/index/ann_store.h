/// What an index's file keeps of an index of nearest neighbours: what was asked for, what was made
/// for which vectors, and its bytes in parts.
///
/// Layout     docs/formats/ann.md
/// Threads    those of the database
/// Errors     kCorruptData for what is damaged, with the file's path; those of database.h
/// Source     our own
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/thread_pool.h"
#include "rag/index/index_file.h"
#include "rag/search/ann_index.h"

namespace nibble::rag {

/// Names the vectors of an index in their order: SHA-256 in a chain of blocks, so that it can be
/// asked for behind every vector.
class VectorsHash {
 public:
  void add(std::span<const float> vector);
  /// Of all vectors until now.
  [[nodiscard]] std::string hex() const;
  [[nodiscard]] std::size_t size() const noexcept { return n_; }

 private:
  std::string chain_;
  std::vector<float> block_;
  std::size_t n_ = 0;
};

struct AnnRecord {
  AnnSettings asked = {};         ///< of later runs, too
  AnnSettings made = {};          ///< every value chosen; flat: nothing is stored
  std::size_t n = 0;              ///< vectors that it was made for: the first of the file
  std::size_t n_at_training = 0;  ///< vectors when its centroids were learned
  std::string vectors_hash = {};  ///< of those `n`
  std::size_t n_bytes = 0;        ///< written by `write_ann`, like the next one
  std::string bytes_hash = {};
};

/// Flat where the file has no record.
AnnRecord read_ann_record(IndexFile& index);
/// Stores the record and, where there is one, the index, in one transaction.
void write_ann(IndexFile& index, AnnRecord record, const AnnIndex* ann);
/// What `write_ann` stored; kCorruptData where it has changed.
std::unique_ptr<AnnIndex> read_ann(IndexFile& index,
                                   const AnnRecord& record,
                                   std::size_t capacity,
                                   ThreadPool& pool);
/// True where the stored bytes are those that were written.
bool is_ann_whole(IndexFile& index, const AnnRecord& record);

}  // namespace nibble::rag
