/// squad: the questions of SQuAD v1.1 with their passage, in the words of lm-evaluation-harness's
/// `squadv2` prompt. Generation stops at the end of the line, at most 64 tokens.
#include "eval/tasks/builtin.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/reading.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kMaxTokens = 64;

std::vector<ReadingItem> squad_items(const Record& document, std::size_t limit) {
  std::vector<ReadingItem> items;
  for (const Record& article : document.objects("data")) {
    const std::string title = article.text("title");
    for (const Record& paragraph : article.objects("paragraphs")) {
      const std::string background =
          "Title: " + title + "\n\nBackground: " + paragraph.text("context");
      for (const Record& question : paragraph.objects("qas")) {
        if (limit > 0 && items.size() == limit) {
          return items;
        }
        ReadingItem item{question.text("id"),
                         background + "\n\nQuestion: " + question.text("question") + "\n\nAnswer:",
                         {}};
        for (const Record& answer : question.objects("answers")) {
          item.answers.push_back(answer.text("text"));
        }
        items.push_back(std::move(item));
      }
    }
  }
  return items;
}

}  // namespace

std::unique_ptr<Task> make_squad(const TaskRequest& request) {
  const DataFile file = read_data_file(request.options.data / "squad", {"dev-v1.1.json"});
  std::vector<ReadingItem> items;
  with_document(
      file, [&](const Record& document) { items = squad_items(document, request.options.limit); });
  TaskInfo info{.name = request.name,
                .protocol = "0-shot, greedy up to the end of the line, at most 64 tokens",
                .data_hash = file.hash};
  return std::make_unique<ReadingTask>(std::move(info), std::move(items), kMaxTokens);
}

}  // namespace nibble::eval
