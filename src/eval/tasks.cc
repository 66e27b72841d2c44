/// The table of tasks, and the one door to them.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/suggest.h"
#include "eval/tasks/builtin.h"

namespace nibble::eval {
namespace {

enum class NameForm : std::uint8_t { kPlain, kShots, kFile };

struct TaskMaker {
  TaskRow row;
  NameForm form;
  std::unique_ptr<Task> (*make)(const TaskRequest& request);
};

std::unique_ptr<Task> make_arc_easy(const TaskRequest& request) {
  return make_arc(request, "arc_easy");
}
std::unique_ptr<Task> make_arc_challenge(const TaskRequest& request) {
  return make_arc(request, "arc_challenge");
}

constexpr std::array kMakers = {
    TaskMaker{{"wikitext_stride512", "WikiText-2 perplexity, overlapping windows, stride 512"},
              NameForm::kPlain,
              &make_wikitext_stride},
    TaskMaker{{"wikitext_disjoint2048",
               "WikiText-2 perplexity, disjoint windows of 2048 tokens (GPTQ, AWQ)"},
              NameForm::kPlain,
              &make_wikitext_disjoint},
    TaskMaker{{"wikitext", "WikiText-2 by word, byte and bit (lm-evaluation-harness)"},
              NameForm::kPlain,
              &make_wikitext_documents},
    TaskMaker{{"wikitext_kl512",
               "WikiText-2, divergence from the reference model: windows of 512, second halves"},
              NameForm::kPlain,
              &make_wikitext_divergence},
    TaskMaker{{"arc_easy", "ARC-Easy, multiple choice; also arc_easy_5shot and so on"},
              NameForm::kShots,
              &make_arc_easy},
    TaskMaker{{"arc_challenge", "ARC-Challenge, multiple choice; also arc_challenge_25shot"},
              NameForm::kShots,
              &make_arc_challenge},
    TaskMaker{{"hellaswag", "HellaSwag, multiple choice; also hellaswag_10shot"},
              NameForm::kShots,
              &make_hellaswag},
    TaskMaker{
        {"squad", "SQuAD v1.1 by generation: F1, exact match"}, NameForm::kPlain, &make_squad},
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
  if (name == maker.row.name) {
    return maker.form != NameForm::kFile;
  }
  if (maker.form == NameForm::kShots) {
    if (const auto parts = split_shots(name); parts && parts->first == maker.row.name) {
      request.n_shots = parts->second;
      return true;
    }
  }
  if (maker.form == NameForm::kFile) {
    const std::string_view prefix =
        maker.row.name.substr(0, maker.row.name.size() - kFilePart.size() + 1);
    if (name.starts_with(prefix) && name.size() > prefix.size()) {
      request.file = name.substr(prefix.size());
      return true;
    }
  }
  return false;
}

constexpr std::array<TaskRow, kMakers.size()> kRows = [] {
  std::array<TaskRow, kMakers.size()> rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = kMakers[i].row;
  }
  return rows;
}();

Failure unknown_task(std::string_view name) {
  std::array<std::string_view, kRows.size()> names;
  std::ranges::transform(kRows, names.begin(), &TaskRow::name);
  return fail(ErrorCode::kNotFound,
              "unknown task '{}'{}; nibble tasks lists them",
              name,
              did_you_mean(name, names));
}

}  // namespace

std::span<const TaskRow> task_table() {
  return kRows;
}

Result<void> check_task_name(std::string_view name) {
  TaskRequest unused;
  if (std::ranges::none_of(kMakers,
                           [&](const TaskMaker& one) { return matches(one, name, unused); })) {
    return unknown_task(name);
  }
  return {};
}

Result<std::unique_ptr<Task>> make_task(std::string_view name, const TaskOptions& options) {
  TaskRequest request{std::string(name), {}, 0, options};
  if (options.model_context > 0) {
    request.options.max_context = std::min(options.max_context, options.model_context);
  }
  const auto maker = std::ranges::find_if(
      kMakers, [&](const TaskMaker& one) { return matches(one, name, request); });
  if (maker == kMakers.end()) {
    return unknown_task(name);
  }
  try {
    std::unique_ptr<Task> task = maker->make(request);
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
