/// The table of tasks, and the one door to them.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/suggest.h"
#include "eval/task_file/file_task.h"
#include "eval/task_file/task_data.h"
#include "eval/tasks/builtin.h"

namespace nibble::eval {
namespace {

namespace fs = std::filesystem;

enum class NameForm : std::uint8_t { kPlain, kFile };

struct TaskMaker {
  TaskRow row;
  NameForm form;
  std::unique_ptr<Task> (*make)(const TaskRequest& request);
  std::string_view data = "";  ///< its file below the data folder; "": the user's or its own
};

constexpr std::string_view kWikiText = "wikitext2/wiki.test.raw";

constexpr std::array kMakers = {
    TaskMaker{{"wikitext_stride512", "WikiText-2 perplexity, overlapping windows, stride 512"},
              NameForm::kPlain,
              &make_wikitext_stride,
              kWikiText},
    TaskMaker{{"wikitext_disjoint2048",
               "WikiText-2 perplexity, disjoint windows of 2048 tokens (GPTQ, AWQ)"},
              NameForm::kPlain,
              &make_wikitext_disjoint,
              kWikiText},
    TaskMaker{{"wikitext", "WikiText-2 by word, byte and bit (lm-evaluation-harness)"},
              NameForm::kPlain,
              &make_wikitext_documents,
              kWikiText},
    TaskMaker{{"wikitext_kl512",
               "WikiText-2, divergence from the reference model: windows of 512, second halves"},
              NameForm::kPlain,
              &make_wikitext_divergence,
              kWikiText},
    TaskMaker{{"squad", "SQuAD v1.1 by generation: F1, exact match"},
              NameForm::kPlain,
              &make_squad,
              "squad/dev-v1.1.json"},
    TaskMaker{
        {"demo_perplexity", "the demo corpus as text"}, NameForm::kPlain, &make_demo_perplexity},
    TaskMaker{{"demo_kl512", "the demo corpus, divergence from the reference model"},
              NameForm::kPlain,
              &make_demo_divergence},
    TaskMaker{{"demo_choice", "the demo corpus: passage, question, four choices"},
              NameForm::kPlain,
              &make_demo_choice},
    TaskMaker{{"demo_reading", "the demo corpus: passage, question, a short answer by generation"},
              NameForm::kPlain,
              &make_demo_reading},
    TaskMaker{
        {"demo_closed_book", "the demo corpus: the question alone (right answers are chance)"},
        NameForm::kPlain,
        &make_demo_closed_book},
    TaskMaker{
        {"perplexity:FILE", "perplexity of your own texts (.jsonl with \"text\", or plain text)"},
        NameForm::kFile,
        &make_own_perplexity},
    TaskMaker{{"stride512:FILE", "the same, joined, windows with stride 512"},
              NameForm::kFile,
              &make_own_stride},
    TaskMaker{{"disjoint2048:FILE", "the same, joined, disjoint windows of 2048 tokens"},
              NameForm::kFile,
              &make_own_disjoint},
    TaskMaker{{"kl512:FILE", "the same, joined, divergence from the reference model"},
              NameForm::kFile,
              &make_own_divergence},
    TaskMaker{
        {"choice:FILE", "your own multiple choice (.jsonl)"}, NameForm::kFile, &make_own_choice},
    TaskMaker{{"reading:FILE", "your own questions with short answers (.jsonl)"},
              NameForm::kFile,
              &make_own_reading},
};

constexpr std::string_view kFilePart = ":FILE";
constexpr std::string_view kShotPart = "shot";
constexpr std::size_t kMaxShots = 100;

/// "arc_easy_5shot" as "arc_easy" and 5; nullopt where the name has no such end.
std::optional<std::pair<std::string_view, std::size_t>> split_shots(std::string_view name) {
  if (!name.ends_with(kShotPart)) {
    return std::nullopt;
  }
  const std::string_view body = name.substr(0, name.size() - kShotPart.size());
  const std::size_t line = body.rfind('_');
  if (line == std::string_view::npos || line + 1 == body.size()) {
    return std::nullopt;
  }
  std::size_t n_shots = 0;
  const auto [end, error] = std::from_chars(&body[line + 1], body.data() + body.size(), n_shots);
  if (error != std::errc() || end != body.data() + body.size() || n_shots > kMaxShots) {
    return std::nullopt;
  }
  return std::pair(body.substr(0, line), n_shots);
}

/// Whether `name` asks for this row; fills what the name says beyond it.
bool matches(const TaskMaker& maker, std::string_view name, TaskRequest& request) {
  if (maker.form == NameForm::kPlain) {
    return name == maker.row.name;
  }
  const std::string_view prefix =
      maker.row.name.substr(0, maker.row.name.size() - kFilePart.size() + 1);
  if (name.starts_with(prefix) && name.size() > prefix.size() && name != maker.row.name) {
    request.file = name.substr(prefix.size());
    return true;
  }
  return false;
}

/// A task file and what the name asks of it.
struct FileTaskName {
  std::shared_ptr<const TaskDefinition> task;
  std::vector<std::string> subjects;
  std::optional<std::size_t> n_shots;
  std::optional<fs::path> beside{};  ///< folder of a user's file; its data may lie there

  /// What results are called: a user's file says it itself, wherever it lies.
  [[nodiscard]] std::string task_name(std::string_view asked) const {
    return !beside    ? std::string(asked)
           : !n_shots ? task->name
                      : fmt::format("{}_{}{}", task->name, *n_shots, kShotPart);
  }
};

/// "mmlu" means all subjects, "mmlu_stem" those of a group, "mmlu_anatomy" one.
std::vector<std::string> subjects_of(const TaskDefinition& task, std::string_view name) {
  std::vector<std::string> out;
  const std::string_view rest = name == task.name ? "" : name.substr(task.name.size() + 1);
  for (const SubjectGroup& group : task.groups) {
    for (const std::string& subject : group.subjects) {
      if (rest.empty() || rest == group.name || rest == subject) {
        out.push_back(subject);
      }
    }
  }
  return task.groups.empty() && rest.empty() ? std::vector<std::string>{""} : out;
}

std::optional<FileTaskName> builtin_file_task(std::string_view name) {
  for (const TaskDefinition& task : builtin_definitions()) {
    if (name != task.name && !name.starts_with(task.name + "_")) {
      continue;
    }
    std::vector<std::string> subjects = subjects_of(task, name);
    if (!subjects.empty()) {
      return FileTaskName{std::shared_ptr<const TaskDefinition>(&task, [](const auto*) {}),
                          std::move(subjects),
                          {},
                          {}};
    }
  }
  return std::nullopt;
}

FileTaskName user_file_task(const fs::path& path) {
  auto task = std::make_shared<const TaskDefinition>(read_task_file(path));
  std::vector<std::string> subjects = subjects_of(*task, task->name);
  return {std::move(task), std::move(subjects), {}, path.parent_path()};
}

/// nullopt where no task file has this name. Throws Error for a user's file that cannot be read.
std::optional<FileTaskName> find_file_task(std::string_view name) {
  const auto find = [](std::string_view body) -> std::optional<FileTaskName> {
    return body.ends_with(".toml") ? std::optional(user_file_task(fs::path(body)))
                                   : builtin_file_task(body);
  };
  if (auto found = find(name)) {
    return found;
  }
  const auto parts = split_shots(name);
  auto found = parts ? find(parts->first) : std::nullopt;
  if (found) {
    found->n_shots = parts->second;
  }
  return found;
}

/// The files below the task's folder, for each of its subjects; a reader's name is left out.
std::vector<std::string> files_below_data(const FileTaskName& found,
                                          const std::vector<std::string>& files) {
  std::vector<std::string> out;
  for (const std::string& subject : found.subjects) {
    for (const std::string& file : files) {
      const std::string name = file.substr(file.find(':') + 1);  // npos + 1 is 0
      out.push_back(with_subject(found.task->data.folder + "/" + name, subject));
    }
  }
  return out;
}

std::unique_ptr<Task> make_from_file(std::string_view name,
                                     const FileTaskName& found,
                                     const TaskOptions& options) {
  FileTaskRequest request{found.task_name(name),
                          found.subjects,
                          found.n_shots,
                          {options.data / found.task->data.folder},
                          options};
  if (found.beside) {
    request.folders.insert(request.folders.begin(), *found.beside / found.task->data.folder);
  }
  return make_file_task(found.task, request);
}

const std::vector<TaskRow>& rows() {
  static const std::vector<TaskRow> kRows = [] {
    std::vector<TaskRow> all;
    for (const TaskMaker& maker : kMakers) {
      all.push_back(maker.row);
    }
    for (const TaskDefinition& task : builtin_definitions()) {
      all.push_back({task.name, task.summary});
    }
    all.push_back({"FILE.toml", "a task of your own; also FILE.toml_5shot"});
    return all;
  }();
  return kRows;
}

Failure unknown_task(std::string_view name) {
  std::vector<std::string_view> names;
  for (const TaskRow& row : rows()) {
    names.push_back(row.name);
  }
  return fail(ErrorCode::kNotFound,
              "unknown task '{}'{}; nibble tasks lists them",
              name,
              did_you_mean(name, names));
}

const TaskMaker* find_maker(std::string_view name, TaskRequest& request) {
  const auto* found = std::ranges::find_if(
      kMakers, [&](const TaskMaker& one) { return matches(one, name, request); });
  return found == kMakers.end() ? nullptr : found;
}

/// nullptr where there is no such task.
std::unique_ptr<Task> make_named(std::string_view name, const TaskOptions& options) {
  TaskRequest request{std::string(name), {}, options};
  if (const TaskMaker* maker = find_maker(name, request)) {
    return maker->make(request);
  }
  const auto found = find_file_task(name);
  return found ? make_from_file(name, *found, options) : nullptr;
}

}  // namespace

std::span<const TaskRow> task_table() {
  return rows();
}

Result<TaskFiles> task_files(std::string_view name) {
  TaskRequest unused;
  try {
    if (const TaskMaker* maker = find_maker(name, unused)) {
      return TaskFiles{maker->data.empty() ? std::vector<std::string>{}
                                           : std::vector<std::string>{std::string(maker->data)},
                       {},
                       0};
    }
    const auto found = find_file_task(name);
    if (!found) {
      return unknown_task(name);
    }
    if (found->beside) {
      return TaskFiles{};
    }
    return TaskFiles{files_below_data(*found, found->task->data.files),
                     files_below_data(*found, found->task->shots.files),
                     found->n_shots.value_or(found->task->shots.n_shots)};
  } catch (const Error& error) {
    return error.failure();
  }
}

Result<void> check_task_name(std::string_view name) {
  TaskRequest unused;
  try {
    if (find_maker(name, unused) == nullptr && !find_file_task(name)) {
      return unknown_task(name);
    }
  } catch (const Error& error) {
    return error.failure();
  }
  return {};
}

Result<std::unique_ptr<Task>> make_task(std::string_view name, const TaskOptions& options) {
  TaskOptions fitted = options;
  if (options.model_context > 0) {
    fitted.max_context = std::min(options.max_context, options.model_context);
  }
  try {
    std::unique_ptr<Task> task = make_named(name, fitted);
    if (task == nullptr) {
      return unknown_task(name);
    }
    if (task->n_samples() == 0) {
      return fail(ErrorCode::kCorruptData,
                  "task {}: the data set is empty, wanted at least one sample",
                  name);
    }
    return task;
  } catch (const Error& error) {
    return error.failure().within(fmt::format("task {}", name));
  }
}

}  // namespace nibble::eval
