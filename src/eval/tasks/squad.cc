/// squad: the questions of SQuAD v1.1 with their passage, in the words of lm-evaluation-harness's
/// `squadv2` prompt. Generation stops at the end of the line, at most 64 tokens.
#include "data/squad.h"

#include "eval/tasks/builtin.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/reading.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kMaxTokens = 64;

}  // namespace

std::unique_ptr<Task> make_squad(const TaskRequest& request) {
  const std::filesystem::path path =
      find_data_file(request.options.data / "squad", {"dev-v1.1.json"});
  data::DataSet<data::SquadRecord> set = data::squad_records(path).take();
  if (request.options.limit > 0 && request.options.limit < set.rows.size()) {
    set.rows.resize(request.options.limit);
  }
  std::vector<ReadingItem> items;
  for (data::SquadRecord& row : set.rows) {
    items.push_back({std::move(row.id),
                     "Title: " + row.title + "\n\nBackground: " + row.context +
                         "\n\nQuestion: " + row.question + "\n\nAnswer:",
                     std::move(row.answers)});
  }
  TaskInfo info{.name = request.name,
                .protocol = "0-shot, greedy up to the end of the line, at most 64 tokens",
                .data_hash = set.sha256};
  return std::make_unique<ReadingTask>(std::move(info), std::move(items), kMaxTokens);
}

}  // namespace nibble::eval
