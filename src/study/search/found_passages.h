/// The documents of a study's prompts, as a retriever of the study found them: read from the store,
/// so that all variants get the same ones, searched for once.
///
/// Before the store is given, when a plan is made, BM25 stands in for the search: costs are
/// estimated from its passages, alike for everybody who cuts the plan into parts.
///
/// Threads    one at a time
/// Errors     kNotFound for a question that the search has not answered; those of the store
/// Source     our own
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rag/answer/ranker.h"
#include "store/store.h"

namespace nibble::study {

class FoundPassages final : public rag::PassageRanker {
 public:
  /// `protocol` says in one line how they are found.
  FoundPassages(std::shared_ptr<const rag::QuestionSet> set, std::string protocol);

  std::vector<rag::RankedPassage> best(const std::string& question, std::size_t n) override;
  [[nodiscard]] std::string protocol() const override { return protocol_; }

  /// From here on passages are those that `unit`, of a search, has in the store, which must outlive
  /// this.
  void read_from(const store::Store& store, std::string unit);

 private:
  const std::vector<std::size_t>& found(const std::string& question);

  std::shared_ptr<const rag::QuestionSet> set_;
  std::string protocol_;
  std::unique_ptr<rag::PassageRanker> estimate_;
  const store::Store* store_ = nullptr;
  std::string unit_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> found_;  ///< by question
};

}  // namespace nibble::study
