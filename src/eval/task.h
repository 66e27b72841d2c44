/// A task: samples that become requests, and responses that become scores. It never sees a model, a
/// device or a file format.
///
/// Errors     building a task from data reports kNotFound (data folder and file) and kCorruptData
///            (file:line); an empty set is kInvalidArgument
/// Source     our own; each task's file names its reference
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "eval/guards.h"
#include "eval/metric.h"
#include "eval/request.h"
#include "text/tokenizer.h"

namespace nibble::text {
class ChatTemplate;
}

namespace nibble::eval {

struct Sample {
  std::string id;                 ///< stable within the data set
  std::vector<Request> requests;  ///< in the order in which `score` wants the responses
  std::string prompt;             ///< for people: what was asked
  std::string target;             ///< for people: what was wanted
  std::size_t index = 0;          ///< the number with which the task was asked for it
  /// The record as JSON, keys in the order of the file; "": none. Results files carry it.
  std::string document{};
  /// The target as lm-eval logs it where that is not `target`: the index of the right choice.
  std::string label{};
};

struct SampleResult {
  SampleScores scores;
  std::string answer;              ///< for people: what the model said or chose
  std::size_t n_cut_tokens = 0;    ///< that the requests lost to the model's context
  bool hit_limit = false;          ///< an answer was ended by its token limit or the context
  std::vector<Flag> flags{};       ///< what makes the sample doubtful
  std::optional<double> chance{};  ///< that a blind guess is right; none: nothing to choose from
  std::string responses{};         ///< JSON (sample_json.h)
  std::string attention{};         ///< where the model looked, as its task packs it; "": not asked
};

/// How a task that asks over documents chose them.
struct ContextInfo {
  std::string set;
  std::string mode;  ///< "gold", "retrieved", "oracle", "closed"
  std::optional<std::size_t> n_documents{};
  std::optional<std::size_t> budget{};  ///< tokens of a prompt at most
  std::optional<std::size_t> gold_slot{};
};

/// A part of a task that lm-eval counts as a task of its own: a subject.
struct TaskPartInfo {
  std::string name;     ///< "mmlu_anatomy"
  std::string subject;  ///< "anatomy"
  std::string group;    ///< "mmlu_stem"
  std::size_t first = 0, n_samples = 0;
  std::size_t n_documents = 0;  ///< before any limit
};

struct TaskInfo {
  std::string name;       ///< "arc_easy", "wikitext_stride512", …
  int version = 1;        ///< raised when a prompt or a score changes
  int group_version = 1;  ///< of the rows that sum up its parts (lm-eval counts them apart)
  /// One line that says all that shapes requests and scores besides name, version and data:
  /// "windows of 2048 tokens, stride 512".
  std::string protocol{};
  std::string data_hash{};           ///< SHA-256 of the data file(s) used
  std::string data_id{};             ///< "allenai/ai2_arc, ARC-Easy, test"; "" for a user's file
  std::size_t n_shots = 0;           ///< solved examples in front of each question
  std::vector<MetricRow> metrics{};  ///< the first is the headline
  std::size_t n_documents = 0;       ///< of the data before any limit; 0: not counted
  std::optional<ContextInfo> context{};
  /// Names of the ways in which an answer is read before it is scored; none: as it stands.
  std::vector<std::string> filters{};
  std::size_t n_repeats = 1;          ///< answers to each question; a sample has so many requests
  bool keeps_repeats = false;         ///< the filters leave them together
  std::vector<TaskPartInfo> parts{};  ///< in the order of the samples; none: it is whole
};

class Task {
 public:
  virtual ~Task() = default;
  [[nodiscard]] virtual const TaskInfo& info() const noexcept = 0;
  [[nodiscard]] virtual std::size_t n_samples() const noexcept = 0;
  [[nodiscard]] virtual Sample sample(std::size_t index) const = 0;
  [[nodiscard]] virtual SampleResult score(const Sample& sample,
                                           std::span<const Response> responses) const = 0;
  /// A generated text as the filter of this number leaves it; results files show it.
  [[nodiscard]] virtual std::string filtered(std::size_t /*filter*/,
                                             const Sample& /*sample*/,
                                             std::string text) const {
    return text;
  }
};

/// How questions are put to a model that was trained on conversations.
struct ChatSettings {
  /// nullptr: plain text. It must outlive the task.
  const text::ChatTemplate* chat_template = nullptr;
  std::string system;        ///< in front of everything, with a template or without
  bool is_multiturn = true;  ///< solved examples are turns of their own
};

struct TaskOptions {
  std::filesystem::path data;  ///< the data folder
  std::size_t limit = 0;  ///< first n samples (for perplexity: windows or documents); 0 means all
  std::size_t max_context = 2048;  ///< window of the perplexity protocols
  std::size_t model_context = 0;   ///< of the model that will answer; no window is longer. 0: any
  const text::Tokenizer* tokenizer = nullptr;  ///< perplexity protocols cut token windows
  ChatSettings chat{};                         ///< for tasks that put questions
  std::size_t max_answer = 0;  ///< tokens of a generated answer at most; 0: the task's own rule
};

/// Names of all built-in tasks with one line each.
struct TaskRow {
  std::string_view name;
  std::string_view summary;
};
std::span<const TaskRow> task_table();

/// Files below the data folder that a task of the program reads where they are there.
struct TaskFiles {
  std::vector<std::string> evaluated;
  std::vector<std::string> examples;  ///< rows that solved examples are drawn from
  std::size_t n_shots = 0;            ///< solved examples that the name or the task asks for
};
/// Both empty for a file of the user's; kNotFound as check_task_name.
Result<TaskFiles> task_files(std::string_view name);

/// Whether `name` is a task's, without touching its data; kNotFound names the nearest known one.
Result<void> check_task_name(std::string_view name);

/// As check_task_name for a name that is not known.
Result<std::unique_ptr<Task>> make_task(std::string_view name, const TaskOptions& options);

}  // namespace nibble::eval
