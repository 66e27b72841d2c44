/// hellaswag as lm-evaluation-harness asks it (task version 1): the cleaned activity label and
/// context, followed by " " + ending. Data are the official JSON lines or the plain text form with
/// six lines a task ("label: context", the number of the right ending, four endings), whose context
/// is one piece, so nothing in it is capitalised.
#include "eval/tasks/hellaswag.h"

#include "base/utf8.h"
#include "data/hellaswag.h"
#include "eval/tasks/builtin.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/few_shot_prompt.h"
#include "text/unicode/case.h"

namespace nibble::eval {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

/// Deletes each "[" up to the next "]" on the same line.
std::string without_brackets(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  while (done < text.size()) {
    const std::size_t open = text.find('[', done);
    const std::size_t stop =
        open == std::string_view::npos ? open : text.find_first_of("]\n", open);
    if (stop == std::string_view::npos) {
      break;
    }
    const bool closed = text[stop] == ']';
    out += text.substr(done, (closed ? open : stop) - done);
    done = closed ? stop + 1 : stop;
    if (!closed) {
      out += text[done++];
    }
  }
  return out.append(text.substr(std::min(done, text.size())));
}

ChoiceItem item_of_record(const Record& record, std::size_t line) {
  const std::string label = record.text("label");
  std::string query = record.text("activity_label") + ": " + record.text("ctx_a") + " " +
                      text::capitalized(record.text("ctx_b"));
  ChoiceItem item{fmt::format("{}", line - 1), clean_hellaswag(query), {}, 0};
  for (const std::string& ending : record.texts("endings")) {
    item.choices.push_back(clean_hellaswag(ending));
  }
  if (label.size() != 1 || label[0] < '0' ||
      static_cast<std::size_t>(label[0] - '0') >= item.choices.size()) {
    record.reject(fmt::format("'label' is '{}', wanted the number of an ending", label));
  }
  item.right = static_cast<std::size_t>(label[0] - '0');
  return item;
}

/// All rows of the data set.
struct Rows {
  std::vector<ChoiceItem> items;
  std::string hash;
};

Rows rows_of_text(const std::filesystem::path& path) {
  const data::DataSet<data::HellaswagRecord> set = data::hellaswag_records(path).take();
  Rows rows;
  rows.hash = set.sha256;
  for (const data::HellaswagRecord& record : set.rows) {
    ChoiceItem item{fmt::format("{}", rows.items.size()),
                    clean_hellaswag(record.activity + ": " + record.context),
                    {},
                    record.gold};
    for (const std::string& ending : record.endings) {
      item.choices.push_back(clean_hellaswag(ending));
    }
    rows.items.push_back(std::move(item));
  }
  return rows;
}

Rows all_rows(const std::filesystem::path& folder) {
  const std::filesystem::path path =
      find_data_file(folder, {"validation.jsonl", "hellaswag_val.jsonl", "hellaswag_val_full.txt"});
  if (content_extension(path) != ".jsonl") {
    return rows_of_text(path);
  }
  const DataFile file = read_data_file(folder, {path.filename().string()});
  Rows rows;
  rows.hash = file.hash;
  for_each_record(file, 0, [&](const Record& record, std::size_t line) {
    rows.items.push_back(item_of_record(record, line));
  });
  return rows;
}

}  // namespace

std::string clean_hellaswag(std::string_view text) {
  std::string out(utf8::strip(text));
  replace_all(out, " [title]", ". ");
  out = without_brackets(out);
  replace_all(out, "  ", " ");
  return out;
}

std::unique_ptr<Task> make_hellaswag(const TaskRequest& request) {
  Rows rows = all_rows(request.options.data / "hellaswag");
  std::vector<ChoiceItem> items = rows.items;
  if (request.options.limit > 0 && request.options.limit < items.size()) {
    items.resize(request.options.limit);
  }
  TaskInfo info{.name = request.name,
                .protocol = fmt::format("{}-shot, log-likelihood of ' ' + ending", request.n_shots),
                .data_hash = std::move(rows.hash)};
  if (request.n_shots > 0) {
    add_shots(items, rows.items, ShotPool::kEvaluatedRows, request.n_shots);
    info.protocol += "; examples from the evaluated rows";
  }
  return std::make_unique<ChoiceTask>(std::move(info), std::move(items));
}

}  // namespace nibble::eval
