/// The demo corpus: the passage of a question is gold, the other passages are distractors. Its
/// files lie in the data folder or in its sub-folder "demo".
///
/// Source     examples/demo/README.md
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "rag/answer/sets/readers.h"
#include "rag/answer/sets/records.h"

namespace nibble::rag {
namespace {

eval::DataFile demo_file(const SetRequest& request, const std::string& name) {
  return eval::read_data_file(request.data, {name, "demo/" + name});
}

}  // namespace

QuestionSet read_demo(const SetRequest& request) {
  const eval::DataFile passages = demo_file(request, "passages.jsonl");
  const eval::DataFile questions = demo_file(request, "questions.jsonl");
  QuestionSet set{.name = "demo",
                  .data_hash = eval::combined_hash({questions.hash, passages.hash}),
                  .data_id = "demo corpus"};
  std::map<std::string, std::size_t, std::less<>> number_of;
  eval::for_each_record(passages, 0, [&](const eval::Record& record, std::size_t) {
    number_of[record.text("id")] = set.passages.size();
    set.passages.push_back({record.text("title"), record.text("text")});
  });
  eval::for_each_record(questions, 0, [&](const eval::Record& record, std::size_t) {
    OpenQuestion question{.id = record.text("id"),
                          .question = record.text("question"),
                          .answers = record.texts("answers")};
    const auto passage = number_of.find(record.text("passage"));
    if (passage == number_of.end()) {
      record.reject(fmt::format("there is no passage '{}'", record.text("passage")));
    }
    question.offers.push_back({passage->second, true});
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

}  // namespace nibble::rag
