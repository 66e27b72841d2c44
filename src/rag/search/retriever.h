/// Questions to passages, over an opened index: by words (BM25), by meaning (vectors), or both.
///
/// The words are counted and the vectors loaded when the retriever is made; the passages' texts
/// stay in the file.
///
/// Threads    one search at a time
/// Errors     kInvalidArgument: a dense or hybrid search in an index without vectors, or without an
///            encoder; kMismatch: an encoder other than the index's; kUnsupported for an index
///            that an unfinished run left without some vectors, or with an index of neighbours
///            that is of other vectors; kCorruptData for one that is damaged
/// Source     our own
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "rag/encoder/encoder.h"
#include "rag/index/index_file.h"
#include "rag/lexical/bm25.h"
#include "rag/search/ann_settings.h"
#include "rag/search/dense.h"
#include "rag/search/ranking.h"

namespace nibble::rag {

enum class SearchMode : std::uint8_t { kBm25, kDense, kHybrid };
Result<SearchMode> search_mode_from_name(std::string_view name);
std::string_view search_mode_name(SearchMode mode) noexcept;

struct RetrieverOptions {
  SearchMode mode = SearchMode::kHybrid;
  Bm25Options bm25 = {};
  std::string codec = {};      ///< of the vectors in memory, all of which are scored; "": float32
  bool is_exhaustive = false;  ///< scores all vectors, even with an index of nearest neighbours
  AnnSearch ann = {};
  std::size_t rescore = 4;  ///< codes: so many times k candidates are scored exactly; 0: none
  std::size_t fusion_depth = 100;  ///< hybrid: the best of each ranking that are fused
};

class Retriever {
 public:
  /// `encoder` may be null for BM25. All references must outlive the retriever.
  Retriever(IndexFile& index,
            const RetrieverOptions& options,
            Encoder* encoder,
            ThreadPool& pool,
            ProgressSink& progress);

  /// The `k` best passages for each question.
  std::vector<std::vector<Hit>> search(std::span<const std::string> questions, std::size_t k);
  /// The same with one hit a document: that of its best passage.
  std::vector<std::vector<Hit>> search_documents(std::span<const std::string> questions,
                                                 std::size_t k);

  [[nodiscard]] std::size_t n_passages() const noexcept { return ids_.size(); }
  [[nodiscard]] Passage passage(std::uint32_t item) { return index_.passage(ids_[item]); }
  /// The name of the document that an item is of, without reading the file.
  [[nodiscard]] const std::string& document(std::uint32_t item) const {
    return names_[documents_[item]];
  }
  /// How nearest vectors are found: "flat", "hnsw:M=16,…", …
  [[nodiscard]] const std::string& ann() const noexcept { return ann_; }
  /// Bytes of the vectors in memory; 0 for BM25.
  [[nodiscard]] std::size_t vector_bytes() const noexcept {
    return dense_ != nullptr ? dense_->n_bytes() : 0;
  }
  /// Bytes of all that is searched in memory: vectors, words or both.
  [[nodiscard]] std::size_t index_bytes() const noexcept {
    return vector_bytes() + bm25_.n_bytes();
  }

 private:
  void load(ThreadPool& pool, ProgressSink& progress);
  void check_encoder() const;
  std::unique_ptr<DenseIndex> open_dense(MatrixView<const float> vectors, ThreadPool& pool);
  std::vector<Hit> by_words(const std::string& question, std::size_t k) const;
  std::vector<std::vector<Hit>> by_meaning(std::span<const std::string> questions, std::size_t k);

  IndexFile& index_;
  RetrieverOptions options_;
  Encoder* encoder_;
  Bm25 bm25_;
  std::unique_ptr<DenseIndex> dense_;
  std::string ann_ = "flat";
  std::vector<std::int64_t> ids_;         ///< of each item
  std::vector<std::uint32_t> documents_;  ///< of each item, into names_
  std::vector<std::string> names_;
};

}  // namespace nibble::rag
