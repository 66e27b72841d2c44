/// arc_easy and arc_challenge as lm-evaluation-harness asks them (task version 1):
/// "Question: {question}\nAnswer:" followed by " " + choice. Examples come from the train split,
/// else from validation.
#include <algorithm>

#include "eval/tasks/builtin.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/few_shot_prompt.h"

namespace nibble::eval {
namespace {

ChoiceItem arc_item(const Record& record) {
  const Record choices = record.object("choices");
  const std::vector<std::string> labels = choices.texts("label");
  const std::string key = record.text("answerKey");
  ChoiceItem item{record.text("id"),
                  "Question: " + record.text("question") + "\nAnswer:",
                  choices.texts("text"),
                  static_cast<std::size_t>(std::ranges::find(labels, key) - labels.begin())};
  if (labels.size() != item.choices.size() || item.right >= item.choices.size()) {
    record.reject(fmt::format("answerKey '{}' is none of the {} labels of {} choices",
                              key,
                              labels.size(),
                              item.choices.size()));
  }
  return item;
}

std::vector<ChoiceItem> arc_items(const DataFile& file, std::size_t limit) {
  std::vector<ChoiceItem> items;
  for_each_record(
      file, limit, [&](const Record& record, std::size_t) { items.push_back(arc_item(record)); });
  return items;
}

}  // namespace

std::unique_ptr<Task> make_arc(const TaskRequest& request, std::string_view folder) {
  const std::filesystem::path path = request.options.data / folder;
  const DataFile test = read_data_file(path, {"test.jsonl"});
  std::vector<ChoiceItem> items = arc_items(test, request.options.limit);
  TaskInfo info{.name = request.name,
                .protocol = fmt::format("{}-shot, log-likelihood of ' ' + choice", request.n_shots),
                .data_hash = test.hash};
  if (request.n_shots > 0) {
    const DataFile train = read_data_file(path, {"train.jsonl", "validation.jsonl"});
    add_shots(items, arc_items(train, 0), ShotPool::kOtherRows, request.n_shots);
    info.protocol += fmt::format("; examples from {}", train.path.filename().string());
    info.data_hash = combined_hash({test.hash, train.hash});
  }
  return std::make_unique<ChoiceTask>(std::move(info), std::move(items));
}

}  // namespace nibble::eval
