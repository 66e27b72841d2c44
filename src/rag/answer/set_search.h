/// A search among the passages of a set of questions, with an index of its own in a file.
///
/// Passages are indexed whole, in the order of the set, so what is found are numbers of passages;
/// those without text are not found. Of a passage longer than the encoder takes its beginning is
/// embedded. A stopped run leaves an index that the next one finishes.
///
/// Units      bytes
/// Threads    one search at a time
/// Errors     those of encoder.h, index_file.h, build.h and retriever.h
/// Source     our own
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rag/answer/question.h"
#include "rag/encoder/encoder.h"
#include "rag/index/build.h"
#include "rag/search/retriever.h"

namespace nibble::rag {

/// All that decides what is found, beside the passages.
struct SetSearchSettings {
  std::filesystem::path encoder{};  ///< its folder; "": none, for BM25
  BertOptions weights{};            ///< of the encoder
  AnnSettings index{};
  RetrieverOptions search{.mode = SearchMode::kBm25};

  /// One line: "dense by all-MiniLM-L6-v2 in int4g32a (f32 arithmetic), index flat".
  [[nodiscard]] std::string text() const;
};

class SetSearch {
 public:
  /// `file` is the index, made or brought up to date here. `pool` must outlive the search.
  SetSearch(const QuestionSet& set,
            const SetSearchSettings& settings,
            const std::filesystem::path& file,
            ThreadPool& pool,
            ProgressSink& progress);
  SetSearch(const SetSearch&) = delete;
  SetSearch& operator=(const SetSearch&) = delete;

  /// Numbers of the `k` best passages of the set, best first; fewer where no more have anything in
  /// common with the question.
  std::vector<std::size_t> find(const std::string& question, std::size_t k);

  /// Of the encoder's weights; nullopt without one.
  [[nodiscard]] std::optional<std::size_t> encoder_bytes() const;
  /// Of what is searched in memory.
  [[nodiscard]] std::size_t index_bytes() const { return retriever_->index_bytes(); }
  /// Of the exact vectors and the index of neighbours on disk.
  [[nodiscard]] std::size_t stored_bytes() const noexcept { return stored_bytes_; }
  /// Of embedding and linking all passages; nullopt where an earlier run did part of it.
  [[nodiscard]] std::optional<double> build_seconds() const noexcept { return build_seconds_; }
  [[nodiscard]] const BuildReport& build() const noexcept { return report_; }

 private:
  void bring_up_to_date(const QuestionSet& set,
                        const SetSearchSettings& settings,
                        ThreadPool& pool,
                        ProgressSink& progress);

  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<IndexFile> index_;
  std::unique_ptr<Retriever> retriever_;
  BuildReport report_;
  std::size_t stored_bytes_ = 0;
  std::optional<double> build_seconds_;
};

}  // namespace nibble::rag
