/// What the commands of `nibble rag` share: the encoder, the way to search, an opened index.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "app/command.h"
#include "rag/encoder/encoder.h"
#include "rag/search/retriever.h"

namespace nibble::app {

void add_rag_index(CLI::App& rag, Invocation& invocation);
void add_rag_search(CLI::App& rag, Invocation& invocation);
void add_rag_ask(CLI::App& rag, Invocation& invocation);
void add_rag_eval(CLI::App& rag, Invocation& invocation);

struct SearchChoice {
  std::string index;
  std::string encoder;  ///< folder; "": where the index says
  std::string mode;     ///< "": hybrid where there are vectors, else bm25
  rag::RetrieverOptions retriever;
};
/// Adds the options of a search, without the index. `choice` must live until the command line is
/// parsed.
void add_search_options(CLI::App& command, SearchChoice& choice);

/// Throws Error(kInvalidArgument) for a question that is blank or not UTF-8.
void check_question(std::string_view question);

/// An opened index with what a search in it needs.
class OpenedIndex {
 public:
  OpenedIndex(const SearchChoice& choice, const Globals& globals, ProgressSink& progress);

  [[nodiscard]] rag::Retriever& retriever() noexcept { return *retriever_; }
  [[nodiscard]] const rag::Encoder* encoder() const noexcept { return encoder_.get(); }
  [[nodiscard]] const rag::IndexSettings& settings() const noexcept { return index_.settings(); }
  /// "bm25", "dense" or "hybrid".
  [[nodiscard]] std::string_view mode() const noexcept { return mode_; }

 private:
  ThreadPool pool_;
  rag::IndexFile index_;
  std::string mode_;
  std::unique_ptr<rag::Encoder> encoder_;
  std::unique_ptr<rag::Retriever> retriever_;
};

}  // namespace nibble::app
