/// BM25 as Lucene ranks, over an inverted index in memory.
///
///   score(q, d) = sum over the terms t of q, repetitions counted, of
///                 idf(t) * tf / (tf + k1 * (1 - b + b * |d| / average |d|))
///   idf(t)      = ln(1 + (N - df + 0.5) / (df + 0.5))
///
/// Lucene up to version 7 has another factor k1 + 1, which no ranking depends on; lengths are exact
/// here, where Lucene keeps them in one byte.
///
/// Units      lengths in terms behind the analyzer
/// Precision  float64 sums
/// Threads    `add` by one thread; `scores` is reentrant for one analyzer a thread
/// Source     Robertson and Zaragoza 2009; Lucene's BM25Similarity
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rag/lexical/analyzer.h"

namespace nibble::rag {

struct Bm25Options {
  double k1 = 0.9;
  double b = 0.4;
};

class Bm25 {
 public:
  explicit Bm25(const Bm25Options& options = {}) : options_(options) {}

  /// Document number `size()`.
  void add(std::string_view text);
  [[nodiscard]] std::size_t size() const noexcept { return lengths_.size(); }

  /// Bytes of terms, postings and lengths, without what the table needs beside them.
  [[nodiscard]] std::size_t n_bytes() const noexcept;

  /// One score a document into `out` [size()]; 0 for a document that has no term of the query.
  /// False when no term of the query is in the index.
  bool score(std::string_view query, std::span<double> out) const;

 private:
  struct Posting {
    std::uint32_t document;
    std::uint32_t count;
  };
  Bm25Options options_;
  Analyzer analyzer_;
  std::unordered_map<std::string, std::vector<Posting>> postings_;
  std::vector<std::uint32_t> lengths_;
  std::uint64_t total_length_ = 0;
};

}  // namespace nibble::rag
