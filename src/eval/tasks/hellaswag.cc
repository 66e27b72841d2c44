/// hellaswag as lm-evaluation-harness asks it (task version 1): the cleaned activity label and
/// context, followed by " " + ending. Data are the official JSON lines or the plain text form with
/// six lines a task ("label: context", the number of the right ending, four endings), whose context
/// is one piece, so nothing in it is capitalised.
#include "eval/tasks/hellaswag.h"

#include "base/utf8.h"
#include "eval/tasks/builtin.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/few_shot_prompt.h"
#include "eval/text_case.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kEndings = 4;

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
                      capitalized(record.text("ctx_b"));
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

std::vector<ChoiceItem> items_of_text(const DataFile& file) {
  std::vector<std::string_view> lines;
  for (std::string_view rest = file.text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  constexpr std::size_t kLines = 2 + kEndings;
  if (lines.size() % kLines != 0) {
    raise(ErrorCode::kCorruptData,
          "{}: {} lines, wanted six for each task",
          file.path.string(),
          lines.size());
  }
  std::vector<ChoiceItem> items;
  for (std::size_t i = 0; i < lines.size(); i += kLines) {
    const std::string_view label = lines[i + 1];
    if (label.size() != 1 || label[0] < '0' || label[0] > '3') {
      raise(ErrorCode::kCorruptData,
            "{}:{}: '{}', wanted the number of the right ending, 0 to 3",
            file.path.string(),
            i + 2,
            label);
    }
    ChoiceItem item{fmt::format("{}", i / kLines), clean_hellaswag(lines[i]), {}, 0};
    item.right = static_cast<std::size_t>(label[0] - '0');
    for (std::size_t k = 0; k < kEndings; ++k) {
      item.choices.push_back(clean_hellaswag(lines[i + 2 + k]));
    }
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<ChoiceItem> all_items(const DataFile& file) {
  if (file.path.string().find(".jsonl") == std::string::npos) {
    return items_of_text(file);
  }
  std::vector<ChoiceItem> items;
  for_each_record(file, 0, [&](const Record& record, std::size_t line) {
    items.push_back(item_of_record(record, line));
  });
  return items;
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
  const std::filesystem::path folder = request.options.data / "hellaswag";
  const DataFile file =
      read_data_file(folder, {"validation.jsonl", "hellaswag_val.jsonl", "hellaswag_val_full.txt"});
  const std::vector<ChoiceItem> rows = all_items(file);
  std::vector<ChoiceItem> items = rows;
  if (request.options.limit > 0 && request.options.limit < items.size()) {
    items.resize(request.options.limit);
  }
  TaskInfo info{.name = request.name,
                .protocol = fmt::format("{}-shot, log-likelihood of ' ' + ending", request.n_shots),
                .data_hash = file.hash};
  if (request.n_shots > 0) {
    add_shots(items, rows, ShotPool::kEvaluatedRows, request.n_shots);
    info.protocol += "; examples from the evaluated rows";
  }
  return std::make_unique<ChoiceTask>(std::move(info), std::move(items));
}

}  // namespace nibble::eval
