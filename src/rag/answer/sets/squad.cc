/// SQuAD v1.1 (reader of data/squad.h): the passage of a question is gold.
///
/// Source     Rajpurkar et al. 2016, arXiv 1606.05250
#include "data/squad.h"

#include <algorithm>

#include "eval/tasks/data_file.h"
#include "rag/answer/sets/readers.h"

namespace nibble::rag {

QuestionSet read_squad(const SetRequest& request) {
  const auto path =
      eval::find_data_file(request.data / "squad", {"dev-v2.0.json", "dev-v1.1.json"});
  data::DataSet<data::SquadRecord> rows = data::squad_records(path).take();
  QuestionSet set{.name = "squad", .data_hash = rows.sha256, .data_id = path.filename().string()};
  PassagePool pool(set);
  for (data::SquadRecord& row : rows.rows) {
    OpenQuestion question{.id = std::move(row.id), .question = std::move(row.question)};
    const bool is_answerable = !row.answers.empty();
    question.answers = std::move(row.answers);
    question.is_answerable = is_answerable;
    question.offers.push_back({pool.add(row.title, row.context), is_answerable});
    set.questions.push_back(std::move(question));
  }
  return set;
}

}  // namespace nibble::rag
