/// Where the documents of a question come from when the set does not offer them: a ranking of
/// passages.
///
/// Errors     those of the search behind it
/// Source     our own
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rag/answer/question.h"
#include "rag/search/retriever.h"

namespace nibble::rag {

struct RankedPassage {
  SetPassage passage;
  std::optional<std::size_t> of_set;  ///< its number in QuestionSet::passages
  std::string document{};             ///< its name in an index
  double score = 0;
};

class PassageRanker {
 public:
  virtual ~PassageRanker() = default;
  /// The `n` passages that fit best, best first; fewer where no more have anything in common with
  /// the question.
  virtual std::vector<RankedPassage> best(const std::string& question, std::size_t n) = 0;
  /// One line: "BM25 over 1,505 passages of the set".
  [[nodiscard]] virtual std::string protocol() const = 0;
};

/// BM25 over the passages of a set, titles included; `set` must outlive the ranker.
std::unique_ptr<PassageRanker> make_set_ranker(const QuestionSet& set);

/// The passages of an index; `retriever` must outlive the ranker, `name` says what it is.
std::unique_ptr<PassageRanker> make_index_ranker(Retriever& retriever, std::string name);

}  // namespace nibble::rag
