/// The readers of the sets of questions; question_set.cc names them.
///
/// Errors     Error(kNotFound), Error(kCorruptData) as question_set.h says
/// Source     each reader's file
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "rag/answer/question.h"

namespace nibble::rag {

struct SetRequest {
  std::string name;            ///< as given
  std::string argument;        ///< behind a colon; "": none
  std::filesystem::path data;  ///< the data folder
};

QuestionSet read_squad(const SetRequest& request);
QuestionSet read_lost_in_the_middle(const SetRequest& request);
QuestionSet read_hotpotqa(const SetRequest& request);
QuestionSet read_musique(const SetRequest& request);
QuestionSet read_nq_open(const SetRequest& request);
QuestionSet read_triviaqa(const SetRequest& request);
QuestionSet read_drop(const SetRequest& request);
QuestionSet read_quac(const SetRequest& request);
QuestionSet read_rgb_noise(const SetRequest& request);
QuestionSet read_rgb_rejection(const SetRequest& request);
QuestionSet read_rgb_integration(const SetRequest& request);
QuestionSet read_rgb_counterfactual(const SetRequest& request);
QuestionSet read_demo(const SetRequest& request);
QuestionSet read_own_set(const std::filesystem::path& path);

/// Passages of a set, each text once.
class PassagePool {
 public:
  /// `set` must outlive the pool.
  explicit PassagePool(QuestionSet& set) : set_(set) {}
  /// Its number in the set.
  std::size_t add(std::string_view title, std::string_view text);

 private:
  QuestionSet& set_;
  std::unordered_map<std::string, std::size_t> known_;  ///< title, a line break, the text
};

/// "Question: … \nAnswer:" without both; nullopt for another form.
std::optional<std::string> question_between_cues(std::string_view context);

}  // namespace nibble::rag
