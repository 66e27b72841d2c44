/// Questions that are answered from passages, as every set of them is read.
///
/// Source     our own
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace nibble::rag {

/// A text that a question may be answered from.
struct SetPassage {
  std::string title{};  ///< "" where there is none
  std::string text{};
};

/// A passage that the set itself offers to a question.
struct Offer {
  std::size_t passage = 0;  ///< into QuestionSet::passages
  bool is_gold = false;     ///< annotated as what the answer stands in
};

struct OpenQuestion {
  std::string id{};                    ///< stable within the set
  std::string question{};              ///< with earlier turns in front where it is one of several
  std::vector<std::string> answers{};  ///< any of them is right; none where it is unanswerable
  std::vector<Offer> offers{};         ///< in the order of the set
  bool is_answerable = true;
  /// Each group must be met by one of its texts; empty: the answers are one group.
  std::vector<std::vector<std::string>> groups{};
  std::string wrong_answer{};  ///< what false passages say; "": none do
};

struct QuestionSet {
  std::string name{};
  std::string data_hash{};  ///< SHA-256 over the files used
  std::string data_id{};    ///< "SQuAD v1.1, dev"
  std::vector<SetPassage> passages{};
  std::vector<OpenQuestion> questions{};
  std::size_t max_answer = 32;  ///< tokens
};

}  // namespace nibble::rag
