/// A user's questions: JSON lines {"id", "question", "answers", "documents", "answerable"}; all but
/// the question may be absent (an id is the line's number then), "answers" only where "answerable"
/// is false.
///
/// Source     our own
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "rag/answer/sets/readers.h"
#include "rag/answer/sets/records.h"

namespace nibble::rag {
namespace {

void read_documents(const eval::Record& record, PassagePool& pool, OpenQuestion& question) {
  for (const eval::Record& document : record.objects("documents")) {
    const std::string title = document.has("title") ? document.text("title") : "";
    const bool is_gold = document.has("gold") && document.flag("gold");
    question.offers.push_back({pool.add(title, document.text("text")), is_gold});
  }
}

}  // namespace

QuestionSet read_own_set(const std::filesystem::path& path) {
  const eval::DataFile file = eval::read_data_file(path.parent_path(), {path.filename().string()});
  QuestionSet set{.name = path.stem().string(), .data_hash = file.hash, .data_id = ""};
  PassagePool pool(set);
  eval::for_each_record(file, 0, [&](const eval::Record& record, std::size_t line) {
    OpenQuestion question{.id = record.has("id") ? record.text("id") : fmt::format("line-{}", line),
                          .question = record.text("question")};
    question.is_answerable = !record.has("answerable") || record.flag("answerable");
    if (question.is_answerable || record.has("answers")) {
      question.answers = record.texts("answers");
    }
    if (record.has("documents")) {
      read_documents(record, pool, question);
    }
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

}  // namespace nibble::rag
