/// The demo corpus: invented passages with questions that nobody can answer from training. Its
/// files lie in the data folder or in its sub-folder "demo".
#include <map>

#include "eval/tasks/builtin.h"
#include "eval/tasks/choice.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/divergence.h"
#include "eval/tasks/perplexity.h"
#include "eval/tasks/reading.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kMaxTokens = 24;

/// Two solved questions in front of every one show that a few words are wanted; without them a
/// small model answers in sentences, which exact match cannot see.
constexpr std::string_view kExamplePassage =
    "The Harbour Mill\n\n"
    "The Harbour Mill was built in 1902 by Edda Rusk on the north quay. It ground oats for forty "
    "years and is now a library of maps.\n\n";
constexpr std::string_view kExampleQuestions =
    "Question: Who built the Harbour Mill?\nAnswer: Edda Rusk\n\n"
    "Question: What did the Harbour Mill grind?\nAnswer: oats\n\n";

DataFile demo_file(const TaskRequest& request, const char* name) {
  return read_data_file(request.options.data, {name, std::string("demo/") + name});
}

/// "title\n\ntext" by passage.
struct Passages {
  std::map<std::string, std::string, std::less<>> text_of;
  std::string hash;
};

Passages read_passages(const TaskRequest& request) {
  const DataFile file = demo_file(request, "passages.jsonl");
  Passages passages;
  passages.hash = file.hash;
  for_each_record(file, 0, [&](const Record& record, std::size_t) {
    passages.text_of[record.text("id")] = record.text("title") + "\n\n" + record.text("text");
  });
  return passages;
}

const std::string& passage_of(const Passages& passages, const Record& record) {
  const auto found = passages.text_of.find(record.text("passage"));
  if (found == passages.text_of.end()) {
    record.reject(fmt::format("there is no passage '{}'", record.text("passage")));
  }
  return found->second;
}

std::unique_ptr<Task> make_reading(const TaskRequest& request, bool with_passage) {
  const DataFile file = demo_file(request, "questions.jsonl");
  const Passages passages = read_passages(request);
  std::vector<ReadingItem> items;
  for_each_record(file, request.options.limit, [&](const Record& record, std::size_t) {
    std::string prompt;
    if (with_passage) {
      prompt.append(kExamplePassage).append(kExampleQuestions);
      prompt.append(passage_of(passages, record)).append("\n\n");
    } else {
      prompt.append(kExampleQuestions);
    }
    prompt += "Question: " + record.text("question") + "\nAnswer:";
    items.push_back({record.text("id"), std::move(prompt), record.texts("answers")});
  });
  TaskInfo info{
      .name = request.name,
      .protocol = fmt::format(
          "{}question behind two examples, greedy up to the end of the line, at most {} tokens",
          with_passage ? "passage and " : "",
          kMaxTokens),
      .data_hash = combined_hash({file.hash, passages.hash})};
  return std::make_unique<ReadingTask>(std::move(info), std::move(items), kMaxTokens);
}

}  // namespace

std::unique_ptr<Task> make_demo_perplexity(const TaskRequest& request) {
  const DataFile file = demo_file(request, "passages.jsonl");
  std::vector<Document> documents;
  for_each_record(file, request.options.limit, [&](const Record& record, std::size_t) {
    documents.push_back(plain_document(record.text("id"), record.text("text")));
  });
  TaskInfo info{
      .name = request.name,
      .protocol = fmt::format("rolling log-likelihood of each passage, windows of {} tokens",
                              request.options.max_context),
      .data_hash = file.hash};
  return std::make_unique<DocumentTask>(
      std::move(info), "perplexity", std::move(documents), request.options.max_context);
}

std::unique_ptr<Task> make_demo_divergence(const TaskRequest& request) {
  const DataFile file = demo_file(request, "passages.jsonl");
  std::string text;
  for_each_record(file, 0, [&](const Record& record, std::size_t) {
    text += (text.empty() ? "" : "\n\n") + record.text("text");
  });
  return make_divergence_task(request, text, file.hash, file.path.string());
}

std::unique_ptr<Task> make_demo_choice(const TaskRequest& request) {
  const DataFile file = demo_file(request, "choices.jsonl");
  const Passages passages = read_passages(request);
  std::vector<ChoiceItem> items;
  for_each_record(file, request.options.limit, [&](const Record& record, std::size_t) {
    items.push_back(
        {record.text("id"),
         passage_of(passages, record) + "\n\nQuestion: " + record.text("question") + "\nAnswer:",
         record.texts("choices"),
         record.index("answer")});
    if (items.back().right >= items.back().choices.size()) {
      record.reject("'answer' is not the number of a choice");
    }
  });
  TaskInfo info{.name = request.name,
                .protocol = "passage and question, log-likelihood of ' ' + choice",
                .data_hash = combined_hash({file.hash, passages.hash})};
  return std::make_unique<ChoiceTask>(std::move(info), std::move(items));
}

std::unique_ptr<Task> make_demo_reading(const TaskRequest& request) {
  return make_reading(request, true);
}

std::unique_ptr<Task> make_demo_closed_book(const TaskRequest& request) {
  return make_reading(request, false);
}

}  // namespace nibble::eval
