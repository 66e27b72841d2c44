/// Natural Questions as "lost in the middle" has them: JSON lines with the passages of each
/// question. The file with the gold passages alone has one each; those of 10, 20 and 30 documents
/// have their distractors.
///
/// Source     Liu et al. 2023, arXiv 2307.03172: nq-open-oracle.jsonl.gz
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "eval/tasks/data_file.h"
#include "rag/answer/sets/readers.h"
#include "rag/answer/sets/records.h"

namespace nibble::rag {

QuestionSet read_lost_in_the_middle(const SetRequest& request) {
  const eval::DataFile file =
      eval::read_data_file(request.data / "lost_in_the_middle", {"nq-open-oracle.jsonl"});
  QuestionSet set{.name = "nq", .data_hash = file.hash, .data_id = "nq-open-oracle.jsonl"};
  PassagePool pool(set);
  eval::for_each_record(file, 0, [&](const eval::Record& record, std::size_t line) {
    OpenQuestion question{.id = fmt::format("nq-{}", line),
                          .question = record.text("question"),
                          .answers = record.texts("answers")};
    for (const eval::Record& passage : record.objects("ctxs")) {
      question.offers.push_back(
          {pool.add(passage.text("title"), passage.text("text")), passage.flag("isgold")});
    }
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

}  // namespace nibble::rag
