/// A task as a TOML file says it: where the rows lie, how one becomes a prompt, how answers score.
///
/// The format is described in docs/formats/task.md. Texts in it are templates (text/jinja); their
/// names are the columns of the row, and `subject` for tasks with subjects.
///
/// Errors     Error(kCorruptData) "FILE:LINE:COLUMN: reason"; unknown keys name the nearest known
/// Source     our own; kinds, defaults and rules of lm-evaluation-harness's task files
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/metrics/exact_match.h"
#include "eval/task_file/filter.h"
#include "text/jinja/template.h"

namespace nibble::eval {

enum class TaskKind : std::uint8_t { kChoice, kContinuation, kGeneration, kPerplexity };
/// As task files write it: "choice".
std::string_view kind_name(TaskKind kind);

using text::jinja::Template;

struct DataFiles {
  std::string folder;              ///< below the data folder
  std::vector<std::string> files;  ///< the first that exists; "READER:FILE" names a reader
  std::vector<std::string> csv_columns;
  /// Columns that are made from others where a row has none of that name, in order.
  std::vector<std::pair<std::string, Template>> columns;
  /// A column from a file of one line a row, for rows that lack it.
  std::vector<std::pair<std::string, std::string>> beside;
  std::optional<Template> row_id;  ///< otherwise the row's number
};

struct PromptTemplates {
  std::optional<Template> description;
  std::optional<Template> text;
  std::optional<Template> choices;       ///< a list of texts
  std::optional<Template> contexts;      ///< a list of texts, instead of `text` and `choices`
  std::optional<Template> continuation;  ///< what is scored behind each of `contexts`
  std::optional<Template> target;  ///< number or text of a choice, a text, or a list of right texts
  std::optional<Template> right;   ///< for each choice whether it is right, instead of `target`
  std::optional<Template> counted;  ///< the text whose words and bytes perplexity is divided by
  std::string target_delimiter = " ";
  std::string shot_delimiter = "\n\n";
};

enum class Sampler : std::uint8_t { kRandom, kFirst };

struct ShotRule {
  std::size_t n_shots = 0;  ///< where the task's name asks for no number
  bool is_locked = false;   ///< another number is refused
  Sampler sampler = Sampler::kRandom;
  bool leaves_itself_out = false;  ///< one more is drawn, the evaluated row itself is left out
  std::vector<std::string> files;  ///< the first that exists; none: the evaluated rows
  std::vector<text::jinja::Value> rows;  ///< written into the task, instead of files
  std::optional<Template> text, target;  ///< of examples, where they differ from the question's
};

struct GenerationRule {
  std::vector<std::string> stop;
  std::size_t max_tokens = 256;
  std::string also_scored;  ///< a continuation whose log-likelihood is asked, too; "": none
};

struct SubjectGroup {
  std::string name;
  std::vector<std::string> subjects;
};

struct TaskDefinition {
  std::string name;
  std::string summary;
  int version = 1;
  int group_version = 1;  ///< of the rows that sum up subjects; "version" where the file has none
  TaskKind kind = TaskKind::kChoice;
  std::string reference;  ///< what its numbers agree with; "" for a user's own task
  std::vector<std::string> metrics;
  std::string data_id;  ///< with "{subject}" where there are subjects
  DataFiles data;
  PromptTemplates prompt;
  ShotRule shots;
  GenerationRule generation;
  ExactMatchRule exact_match;
  std::vector<NamedFilter> filters;  ///< none: the text as it stands
  std::vector<SubjectGroup> groups;  ///< none: one data set
  std::string hash;                  ///< SHA-256 of the file
};

/// `where` heads error messages.
TaskDefinition parse_task(std::string_view toml, std::string_view where);
TaskDefinition read_task_file(const std::filesystem::path& path);

/// A task of the program: its file is tasks/NAME.toml.
struct BuiltinTask {
  std::string_view name;
  std::string_view toml;
};
/// Ascending by name; parsed once. kInternal for one that does not parse.
const std::vector<TaskDefinition>& builtin_definitions();

}  // namespace nibble::eval
