/// Sets of questions without documents: closed-book, or with an index.
///
/// Source     Lee et al. 2019, arXiv 1906.00300 (NQ-open); Joshi et al. 2017, arXiv 1705.03551
///            (TriviaQA), in the form of mosaicml/llm-foundry
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "rag/answer/sets/readers.h"
#include "rag/answer/sets/records.h"

namespace nibble::rag {

QuestionSet read_nq_open(const SetRequest& request) {
  const eval::DataFile file = eval::read_data_file(request.data / "nq_open", {"NQ-open.dev.jsonl"});
  QuestionSet set{.name = "nq_open", .data_hash = file.hash, .data_id = "NQ-open.dev.jsonl"};
  eval::for_each_record(file, 0, [&](const eval::Record& record, std::size_t line) {
    OpenQuestion question{.id = fmt::format("nq_open-{}", line),
                          .question = record.text("question"),
                          .answers = record.texts("answer")};
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

QuestionSet read_triviaqa(const SetRequest& request) {
  const eval::DataFile file =
      eval::read_data_file(request.data / "triviaqa", {"triviaqa_sm_sub.jsonl"});
  QuestionSet set{.name = "triviaqa", .data_hash = file.hash, .data_id = "triviaqa_sm_sub.jsonl"};
  eval::for_each_record(file, 0, [&](const eval::Record& record, std::size_t line) {
    auto text = question_between_cues(record.text("context"));
    if (!text) {
      record.reject("'context' is no \"Question: …\\nAnswer:\"");
    }
    OpenQuestion question{.id = fmt::format("triviaqa-{}", line),
                          .question = *std::move(text),
                          .answers = record.texts("aliases")};
    question.answers.insert(question.answers.begin(), record.text("answer"));
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

}  // namespace nibble::rag
