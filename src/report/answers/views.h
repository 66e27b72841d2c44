/// Single questions as the page shows them: passages, what every variant answered, and how much of
/// its attention each passage got.
///
/// Source     our own
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "rag/answer/attention_record.h"
#include "store/records.h"

namespace nibble::report {

/// Questions shown of a group of tasks.
inline constexpr std::size_t kMaxQuestionViews = 8;

struct ViewedPassage {
  std::string header;  ///< "Document [2] (Title: Cats)"
  std::string text;    ///< its beginning and end where it is long
  bool is_gold = false;
};

struct ViewedAnswer {
  std::string answer;
  std::optional<double> f1;
  /// Of the attention to all passages, at the prompt's last token, mean over heads.
  std::vector<double> shares;
};

struct QuestionView {
  std::string id{}, question{}, wanted{};
  std::vector<ViewedPassage> passages{};
  std::vector<std::optional<ViewedAnswer>> answers{};  ///< parallel to the study's variants
};

/// `sample` and `record` are of any variant: all were asked the same. No answers yet.
QuestionView view_question(const store::SampleRecord& sample, const rag::AttentionRecord& record);
ViewedAnswer view_answer(const store::SampleRecord& sample, const rag::AttentionRecord& record);

}  // namespace nibble::report
