/// The sets of questions that are answered from documents, and the one door to them.
///
///   squad               a passage of Wikipedia; others of the set as distractors
///   nq                  Natural Questions with their passage (lost in the middle)
///   hotpotqa, musique   several passages together hold the answer; the set offers distractors
///   nq_open, triviaqa   questions alone: documents come from an index, or none
///   drop, quac          one passage; QuAC's has earlier turns, and questions without an answer
///   rgb_noise[:PERCENT] five passages, that share of them without the answer (40)
///   rgb_rejection       five passages without the answer: it should not be answered
///   rgb_integration     the answer has parts in several passages (file en_int.json)
///   rgb_counterfactual  passages that say something false
///   demo                the demo corpus
///   FILE.jsonl          your own, a question a line: {"id", "question", "answers": […],
///                       "documents": [{"title", "text", "gold": true}, …], "answerable": true}
///
/// Errors     kNotFound: an unknown set (with the nearest known one), data that is not there
///            (folder and files wanted); kCorruptData with PATH:LINE, or for a file of one JSON
///            value "PATH: question N"; two questions of one id are kCorruptData with both
/// Source     the data's own formats (each reader's file)
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rag/answer/question.h"

namespace nibble::rag {

struct QuestionSetRow {
  std::string_view name;
  std::string_view summary;
};
std::span<const QuestionSetRow> question_set_table();

/// Whether the name of a set is that of a user's own file.
bool is_question_file(std::string_view name);

/// Whether there is a set of this name, without touching its data; any file's name will do.
Result<void> check_question_set_name(std::string_view name);

/// `data` is the data folder.
Result<std::shared_ptr<const QuestionSet>> read_question_set(std::string_view name,
                                                             const std::filesystem::path& data);

}  // namespace nibble::rag
