/// Files of retrieval evaluations: questions, judgements, runs.
///
///   questions   JSON lines {"_id", "text"} (BEIR), also .gz
///   judgements  BEIR: a header and "query-id TAB corpus-id TAB score"; TREC: "query 0 document
///               grade"
///   run         "query Q0 document rank score tag", ranks from 1
///
/// A run is read as trec_eval reads it: by score descending, equal scores by document descending;
/// ranks are ignored.
///
/// Errors     kNotFound, kIo; kCorruptData with PATH:LINE, also for ids that stand there twice
/// Source     BEIR's layout; trec_eval 10
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "eval/metrics/ranking.h"

namespace nibble::rag {

struct Question {
  std::string id;
  std::string text;
};
Result<std::vector<Question>> read_questions(const std::filesystem::path& path);

using QuestionJudgements = std::map<std::string, eval::Judgements, std::less<>>;
Result<QuestionJudgements> read_judgements(const std::filesystem::path& path);

struct RunEntry {
  std::string document;
  double score = 0.0;
};
/// Question to its documents, best first.
using Run = std::map<std::string, std::vector<RunEntry>, std::less<>>;
/// In trec_eval's order.
void sort_run(Run& run);
Result<Run> read_run(const std::filesystem::path& path);
/// `tag` without blanks.
std::string run_text(const Run& run, const std::string& tag);

}  // namespace nibble::rag
