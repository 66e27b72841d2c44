#include "eval/task_file/file_task.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "eval/metrics/choice.h"
#include "eval/task_file/answer_scores.h"
#include "eval/task_file/prompt.h"
#include "eval/task_file/shots.h"
#include "eval/task_file/task_data.h"
#include "eval/tasks/documents.h"
#include "eval/tasks/perplexity.h"
#include "text/jinja/from_json.h"

namespace nibble::eval {
namespace {

struct Item {
  Question question;
  std::size_t part = 0;
  std::vector<std::size_t> shots;  // positions in the part's `shots`
};

struct Part {
  std::string description;
  std::vector<Shot> shots;  // of the pool; only those that are drawn are rendered
};

std::vector<MetricRow> metric_rows(const TaskDefinition& task) {
  if (task.kind == TaskKind::kGeneration) {
    return answer_metric_rows(task);
  }
  std::vector<MetricRow> rows;
  for (const std::string& metric : task.metrics) {
    if (metric == "perplexity") {
      rows.push_back({metric, "perplexity", Direction::kLower, Transform::kExp});
    } else {
      rows.push_back({metric, "fraction"});
    }
  }
  return rows;
}

std::size_t most_tokens(const TaskDefinition& task, const TaskOptions& options) {
  return options.max_answer > 0 ? std::min(options.max_answer, task.generation.max_tokens)
                                : task.generation.max_tokens;
}

class FileTask final : public Task {
 public:
  FileTask(std::shared_ptr<const TaskDefinition> task,
           TaskInfo info,
           const TaskOptions& options,
           std::vector<Part> parts,
           std::vector<Item> items)
      : kept_(std::move(task)),
        task_(*kept_),
        info_(std::move(info)),
        chat_(options.chat),
        max_tokens_(most_tokens(task_, options)),
        parts_(std::move(parts)),
        items_(std::move(items)) {}

  [[nodiscard]] const TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return items_.size(); }

  [[nodiscard]] Sample sample(std::size_t index) const override {
    const Item& item = items_.at(index);
    const Question& question = item.question;
    Sample sample;
    sample.index = index;
    sample.id = question.id;
    sample.document = question.document;
    sample.label = label_of(question);
    if (question.contexts.empty()) {
      sample.prompt = prompt_of(item, question.text);
      add_requests(sample, question);
    } else {
      add_context_requests(sample, item);
    }
    return sample;
  }

  [[nodiscard]] SampleResult score(const Sample& sample,
                                   std::span<const Response> responses) const override {
    NIBBLE_CHECK(responses.size() == sample.requests.size(), "one response for each request");
    const Question& question = items_.at(sample.index).question;
    switch (task_.kind) {
      case TaskKind::kChoice:
        return score_choices(question, responses);
      case TaskKind::kContinuation:
        return score_continuation(std::get<LoglikelihoodResponse>(responses.front()));
      default:
        return score_generated(question, responses);
    }
  }

  [[nodiscard]] std::string filtered(std::size_t filter,
                                     const Sample& /*sample*/,
                                     std::string text) const override {
    return filter < task_.filters.size() ? task_.filters[filter].apply(text) : text;
  }

 private:
  /// As lm-eval logs the target: the number of the right choice, else what the template gave.
  [[nodiscard]] std::string label_of(const Question& question) const {
    if (task_.kind == TaskKind::kChoice && question.contexts.empty()) {
      const auto right = std::ranges::find(question.is_right, true) - question.is_right.begin();
      return fmt::format("{}", right);
    }
    return question.target.is_none() || !question.contexts.empty()
               ? ""
               : text::jinja::to_text(question.target);
  }

  [[nodiscard]] std::string prompt_of(const Item& item, std::string_view question) const {
    const Part& part = parts_[item.part];
    std::vector<const Shot*> shots;
    for (const std::size_t position : item.shots) {
      shots.push_back(&part.shots[position]);
    }
    return PromptBuilder(task_.prompt, chat_).build(part.description, shots, question);
  }

  [[nodiscard]] std::string delimiter() const {
    return std::string(PromptBuilder(task_.prompt, chat_).choice_delimiter());
  }

  void add_requests(Sample& sample, const Question& question) const {
    if (task_.kind == TaskKind::kChoice) {
      const auto right = std::ranges::find(question.is_right, true) - question.is_right.begin();
      sample.target = question.choices[static_cast<std::size_t>(right)];
      for (const std::string& choice : question.choices) {
        sample.requests.emplace_back(LoglikelihoodRequest{sample.prompt, delimiter() + choice});
      }
      return;
    }
    sample.target = question.targets.empty() ? "" : question.targets.front();
    if (task_.kind == TaskKind::kContinuation) {
      sample.requests.emplace_back(LoglikelihoodRequest{sample.prompt, sample.target});
      return;
    }
    sample.requests.emplace_back(
        GenerationRequest{sample.prompt, max_tokens_, task_.generation.stop});
    if (!task_.generation.also_scored.empty()) {
      sample.requests.emplace_back(
          LoglikelihoodRequest{sample.prompt, task_.generation.also_scored});
    }
  }

  void add_context_requests(Sample& sample, const Item& item) const {
    const Question& question = item.question;
    sample.target = question.continuation;
    for (std::size_t i = 0; i < question.contexts.size(); ++i) {
      std::string context = prompt_of(item, question.contexts[i]);
      if (question.is_right[i]) {
        sample.prompt = context;
      }
      sample.requests.emplace_back(
          LoglikelihoodRequest{std::move(context), delimiter() + question.continuation});
    }
  }

  [[nodiscard]] SampleResult score_choices(const Question& question,
                                           std::span<const Response> responses) const {
    std::vector<double> logprobs;
    for (const Response& response : responses) {
      logprobs.push_back(std::get<LoglikelihoodResponse>(response).logprob);
    }
    const std::vector<std::string>& choices =
        question.contexts.empty() ? question.choices : question.contexts;
    const auto scores = score_choice(logprobs, choices, question.is_right);
    SampleResult result;
    for (const std::string& metric : task_.metrics) {
      result.scores[metric] =
          scores ? std::optional(Contribution{choice_score(*scores, metric)}) : std::nullopt;
    }
    result.answer = scores ? choices[scores->chosen] : "";
    return result;
  }

  [[nodiscard]] double choice_score(const ChoiceScores& scores, std::string_view metric) const {
    if (task_.prompt.right) {
      return scores.belief;
    }
    return metric == "acc" ? scores.acc
                           : (metric == "acc_norm" ? scores.acc_norm : scores.acc_bytes);
  }

  [[nodiscard]] SampleResult score_continuation(const LoglikelihoodResponse& response) const {
    const bool is_answered = std::isfinite(response.logprob);
    SampleResult result;
    for (const std::string& metric : task_.metrics) {
      const double value = metric == "acc" ? (response.is_greedy ? 1.0 : 0.0) : -response.logprob;
      result.scores[metric] = is_answered ? std::optional(Contribution{value}) : std::nullopt;
    }
    if (is_answered) {
      result.answer = fmt::format("{}, {:.4f} nats",
                                  response.is_greedy ? "as wanted" : "something else",
                                  -response.logprob);
    }
    return result;
  }

  [[nodiscard]] SampleResult score_generated(const Question& question,
                                             std::span<const Response> responses) const {
    const auto& generated = std::get<GenerationResponse>(responses.front());
    bool is_answered = generated.is_answered;
    if (responses.size() > 1) {
      is_answered =
          is_answered && !std::isnan(std::get<LoglikelihoodResponse>(responses[1]).logprob);
    }
    SampleResult result;
    result.scores =
        score_answer(task_, question, is_answered ? std::optional(generated.text) : std::nullopt);
    if (responses.size() > 1) {
      const double logprob = std::get<LoglikelihoodResponse>(responses[1]).logprob;
      result.scores[std::string(kNoAnswerProbability)] =
          is_answered ? std::optional(Contribution{std::exp(logprob)}) : std::nullopt;
    }
    result.answer = is_answered ? std::string(utf8::strip(generated.text)) : "";
    return result;
  }

  std::shared_ptr<const TaskDefinition> kept_;
  const TaskDefinition& task_;
  TaskInfo info_;
  ChatSettings chat_;
  std::size_t max_tokens_;
  std::vector<Part> parts_;
  std::vector<Item> items_;
};

/// How many rows of a part are asked.
std::size_t n_asked(const TaskPart& part, std::size_t limit) {
  const std::size_t n_rows = part.evaluated.rows.size();
  return limit == 0 ? n_rows : std::min(limit, n_rows);
}

class Builder {
 public:
  Builder(std::shared_ptr<const TaskDefinition> task, const FileTaskRequest& request)
      : kept_(std::move(task)),
        task_(*kept_),
        request_(request),
        n_shots_(request.n_shots.value_or(task_.shots.n_shots)) {
    if (task_.shots.is_locked && n_shots_ != task_.shots.n_shots) {
      raise(ErrorCode::kInvalidArgument,
            "the number of solved examples is fixed at {}",
            task_.shots.n_shots);
    }
    for (const std::string& subject : request.subjects) {
      sources_.push_back(read_part(task_, subject, request.folders, n_shots_));
    }
  }

  std::unique_ptr<Task> run() {
    if (task_.kind == TaskKind::kPerplexity) {
      return documents();
    }
    for (const TaskPart& source : sources_) {
      add_part(source, n_asked(source, request_.options.limit));
    }
    TaskInfo about = info();
    about.metrics = metric_rows(task_);
    for (const NamedFilter& filter : task_.filters) {
      about.filters.push_back(filter.name);
    }
    about.parts = part_infos();
    return std::make_unique<FileTask>(
        kept_, std::move(about), request_.options, std::move(parts_), std::move(items_));
  }

 private:
  [[nodiscard]] std::string id_of(const TaskPart& source, std::size_t row) const {
    const std::string id = task_.data.row_id
                               ? task_.data.row_id->render(*source.evaluated.rows[row].dict())
                               : fmt::format("{}", row);
    return source.subject.empty() ? id : source.subject + "/" + id;
  }

  [[nodiscard]] static std::string where(const TaskRows& rows, std::size_t row) {
    return fmt::format("{}: row {}", rows.path.empty() ? "example" : rows.path.string(), row + 1);
  }

  void add_part(const TaskPart& source, std::size_t n_rows) {
    const std::span<const data::Row> rows = std::span(source.evaluated.rows).first(n_rows);
    const TaskRows& pool = source.draws_from_evaluated ? source.evaluated : source.pool;
    const auto drawn = draw_shots(task_.shots, n_shots_, rows, pool.rows);
    Part& part = parts_.emplace_back();
    std::vector<bool> is_rendered(pool.rows.size(), false);
    part.shots.resize(pool.rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Item item{
          render_question(task_, rows[i], where(source.evaluated, i)), parts_.size() - 1, drawn[i]};
      item.question.id = id_of(source, i);
      item.question.document = text::jinja::json_text(rows[i]);
      check_target(task_, item.question, where(source.evaluated, i));
      items_.push_back(std::move(item));
      for (const std::size_t position : drawn[i]) {
        if (!is_rendered[position]) {
          part.shots[position] = render_shot(task_, pool.rows[position], where(pool, position));
          is_rendered[position] = true;
        }
      }
    }
    if (task_.prompt.description && !rows.empty()) {
      part.description = task_.prompt.description->render(*rows.front().dict());
    }
  }

  std::unique_ptr<Task> documents() {
    std::vector<Document> all;
    for (const TaskPart& source : sources_) {
      for (std::size_t i = 0; i < n_asked(source, request_.options.limit); ++i) {
        const data::Row& row = source.evaluated.rows[i];
        Document document = plain_document(
            id_of(source, i), render_question(task_, row, where(source.evaluated, i)).text);
        if (task_.prompt.counted) {
          const Document counted = plain_document("", task_.prompt.counted->render(*row.dict()));
          document.n_words = counted.n_words;
          document.n_bytes = counted.n_bytes;
        }
        all.push_back(std::move(document));
      }
    }
    return std::make_unique<DocumentTask>(
        info(), task_.metrics.front(), std::move(all), request_.options.max_context);
  }

  /// What stands behind the names of the task's parts as behind its own.
  [[nodiscard]] std::string shots_mark() const {
    return request_.n_shots ? fmt::format("_{}shot", *request_.n_shots) : "";
  }

  [[nodiscard]] std::string group_of(const std::string& subject) const {
    const auto found = std::ranges::find_if(task_.groups, [&](const SubjectGroup& group) {
      return std::ranges::find(group.subjects, subject) != group.subjects.end();
    });
    NIBBLE_CHECK(found != task_.groups.end(), "a subject is in a group");
    return fmt::format("{}_{}{}", task_.name, found->name, shots_mark());
  }

  [[nodiscard]] std::vector<TaskPartInfo> part_infos() const {
    std::vector<TaskPartInfo> out;
    std::size_t first = 0;
    for (const TaskPart& source : sources_) {
      if (sources_.size() > 1) {
        out.push_back({fmt::format("{}_{}{}", task_.name, source.subject, shots_mark()),
                       source.subject,
                       group_of(source.subject),
                       first,
                       n_asked(source, request_.options.limit),
                       source.evaluated.rows.size()});
        first += out.back().n_samples;
      }
    }
    return out;
  }

  [[nodiscard]] TaskInfo info() const {
    TaskInfo out;
    out.name = request_.name;
    out.version = task_.version;
    out.group_version = task_.group_version;
    out.data_id = task_.data_id;
    out.n_shots = n_shots_;
    std::vector<std::string> hashes;
    for (const TaskPart& source : sources_) {
      out.n_documents += source.evaluated.rows.size();
      hashes.push_back(source.evaluated.hash);
      if (!source.pool.hash.empty()) {
        hashes.push_back(source.pool.hash);
      }
    }
    out.data_hash = hashes.front();
    if (hashes.size() > 1) {
      Sha256 joined;
      for (const std::string& hash : hashes) {
        joined.field(hash);
      }
      out.data_hash = joined.hex();
    }
    out.protocol = protocol();
    return out;
  }

  [[nodiscard]] std::string protocol() const {
    const TaskOptions& options = request_.options;
    std::string out;
    switch (task_.kind) {
      case TaskKind::kChoice:
        out = task_.prompt.contexts ? "log-likelihood of what follows each choice"
                                    : fmt::format("log-likelihood of '{}' + choice", delimiter());
        break;
      case TaskKind::kContinuation:
        out = "log-likelihood of the target";
        break;
      case TaskKind::kPerplexity:
        return fmt::format("rolling log-likelihood of each text, windows of {} tokens{}",
                           options.max_context,
                           definition_mark());
      default:
        out = fmt::format("greedy, at most {} tokens", most_tokens(task_, options));
    }
    out = fmt::format("{}-shot, {}", n_shots_, out);
    if (n_shots_ > 0) {
      out += "; examples from " + pool_name();
    }
    return out + chat_mark() + definition_mark();
  }

  [[nodiscard]] std::string delimiter() const {
    return request_.options.chat.chat_template == nullptr ? task_.prompt.target_delimiter : "";
  }

  [[nodiscard]] std::string pool_name() const {
    const TaskPart& source = sources_.front();
    return source.draws_from_evaluated ? "the evaluated rows"
           : source.pool.path.empty()  ? "the task"
                                       : source.pool.path.filename().string();
  }

  [[nodiscard]] std::string chat_mark() const {
    const ChatSettings& chat = request_.options.chat;
    std::string out;
    if (chat.chat_template != nullptr) {
      out += fmt::format("; chat template, examples as {}",
                         chat.is_multiturn ? "turns" : "one message");
    }
    if (!chat.system.empty()) {
      out += fmt::format("; system message {}", sha256_hex(chat.system).substr(0, 12));
    }
    return out;
  }

  /// A user's own file has no version that anybody keeps, so its hash says which it was.
  [[nodiscard]] std::string definition_mark() const {
    return task_.reference.empty() ? "; task file " + task_.hash.substr(0, 12) : "";
  }

  std::shared_ptr<const TaskDefinition> kept_;
  const TaskDefinition& task_;
  const FileTaskRequest& request_;
  std::size_t n_shots_;
  std::vector<TaskPart> sources_;
  std::vector<Part> parts_;
  std::vector<Item> items_;
};

}  // namespace

std::unique_ptr<Task> make_file_task(std::shared_ptr<const TaskDefinition> task,
                                     const FileTaskRequest& request) {
  return Builder(std::move(task), request).run();
}

}  // namespace nibble::eval
