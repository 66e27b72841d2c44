/// Tasks over a user's own file in the data folder: "choice:FILE", "reading:FILE",
/// "perplexity:FILE", "stride512:FILE", "disjoint2048:FILE", "kl512:FILE".
///
///   choice       JSON lines {"id"?, "context" or "question", "choices": […], "answer": index}
///   reading      JSON lines {"id"?, "context" or "question", "answers": […]}
///   perplexity   JSON lines {"id"?, "text"}, or plain text (one document); the window protocols
///   join texts by "\n\n"
///
/// A "context" is used as it stands; a "question" becomes "Question: …\nAnswer:".
#include "eval/tasks/builtin.h"
#include "eval/tasks/choice.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/divergence.h"
#include "eval/tasks/perplexity.h"
#include "eval/tasks/reading.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kMaxTokens = 64;

DataFile own_file(const TaskRequest& request) {
  return read_data_file(request.options.data, {request.file});
}

std::string id_of(const Record& record, std::size_t line) {
  return record.has("id") ? record.text("id") : fmt::format("line {}", line);
}

std::string context_of(const Record& record) {
  return record.has("context") ? record.text("context")
                               : "Question: " + record.text("question") + "\nAnswer:";
}

std::vector<Document> own_documents(const DataFile& file, std::size_t limit) {
  std::vector<Document> documents;
  if (!content_extension(file.path).starts_with(".json")) {
    documents.push_back(plain_document(file.path.filename().string(), file.text));
    return documents;
  }
  for_each_record(file, limit, [&](const Record& record, std::size_t line) {
    documents.push_back(plain_document(id_of(record, line), record.text("text")));
  });
  return documents;
}

std::string joined_documents(const DataFile& file) {
  std::string text;
  for (const Document& document : own_documents(file, 0)) {
    text += (text.empty() ? "" : "\n\n") + document.text;
  }
  return text;
}

std::unique_ptr<Task> make_windows(const TaskRequest& request, WindowProtocol protocol) {
  const DataFile file = own_file(request);
  return make_window_task(request, protocol, joined_documents(file), file.hash, file.path.string());
}

}  // namespace

std::unique_ptr<Task> make_own_perplexity(const TaskRequest& request) {
  const DataFile file = own_file(request);
  TaskInfo info{.name = request.name,
                .protocol = fmt::format("rolling log-likelihood of each text, windows of {} tokens",
                                        request.options.max_context),
                .data_hash = file.hash};
  return std::make_unique<DocumentTask>(std::move(info),
                                        "perplexity",
                                        own_documents(file, request.options.limit),
                                        request.options.max_context);
}

std::unique_ptr<Task> make_own_stride(const TaskRequest& request) {
  return make_windows(request, WindowProtocol::kStride);
}

std::unique_ptr<Task> make_own_disjoint(const TaskRequest& request) {
  return make_windows(request, WindowProtocol::kDisjoint);
}

std::unique_ptr<Task> make_own_divergence(const TaskRequest& request) {
  const DataFile file = own_file(request);
  return make_divergence_task(request, joined_documents(file), file.hash, file.path.string());
}

std::unique_ptr<Task> make_own_choice(const TaskRequest& request) {
  const DataFile file = own_file(request);
  std::vector<ChoiceItem> items;
  for_each_record(file, request.options.limit, [&](const Record& record, std::size_t line) {
    items.push_back(
        {id_of(record, line), context_of(record), record.texts("choices"), record.index("answer")});
    if (items.back().right >= items.back().choices.size()) {
      record.reject("'answer' is not the number of a choice");
    }
  });
  TaskInfo info{
      .name = request.name, .protocol = "log-likelihood of ' ' + choice", .data_hash = file.hash};
  return std::make_unique<ChoiceTask>(std::move(info), std::move(items));
}

std::unique_ptr<Task> make_own_reading(const TaskRequest& request) {
  const DataFile file = own_file(request);
  std::vector<ReadingItem> items;
  for_each_record(file, request.options.limit, [&](const Record& record, std::size_t line) {
    items.push_back({id_of(record, line), context_of(record), record.texts("answers")});
  });
  TaskInfo info{
      .name = request.name,
      .protocol = fmt::format("greedy up to the end of the line, at most {} tokens", kMaxTokens),
      .data_hash = file.hash};
  return std::make_unique<ReadingTask>(std::move(info), std::move(items), kMaxTokens);
}

}  // namespace nibble::eval
