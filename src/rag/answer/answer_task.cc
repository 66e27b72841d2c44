#include "rag/answer/answer_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "eval/stats/random.h"
#include "rag/answer/attention_record.h"

namespace nibble::rag {
namespace {

constexpr std::uint64_t kShuffleSeed = 1234;

std::vector<std::size_t> question_order(std::size_t n, bool is_shuffled) {
  std::vector<std::size_t> out(n);
  std::iota(out.begin(), out.end(), std::size_t{0});
  if (is_shuffled) {
    eval::stats::Random random(kShuffleSeed);
    eval::stats::shuffle(out, random);
  }
  return out;
}

ScoredKinds kinds_of(const QuestionSet& set, bool counts_citations) {
  const auto any = [&set](auto&& f) { return std::ranges::any_of(set.questions, f); };
  return {any([](const OpenQuestion& q) { return q.is_answerable; }),
          any([](const OpenQuestion& q) { return !q.is_answerable; }),
          any([](const OpenQuestion& q) { return !q.wrong_answer.empty(); }),
          counts_citations};
}

/// The model gave no finite logits: no metric has a value.
eval::SampleResult unanswered(const eval::TaskInfo& info) {
  eval::SampleResult out;
  for (const eval::MetricRow& metric : info.metrics) {
    out.scores[metric.name] = std::nullopt;
  }
  return out;
}

std::vector<bool> gold_flags(const Context& context) {
  std::vector<bool> out;
  for (const ContextDocument& document : context.documents) {
    out.push_back(document.is_gold);
  }
  return out;
}

bool has_gold(const Context& context) {
  return std::ranges::any_of(context.documents, &ContextDocument::is_gold);
}

std::vector<ContextSettings> contexts_of(const ContextGrid& grid) {
  std::vector<std::optional<std::size_t>> slots(grid.slots.begin(), grid.slots.end());
  if (slots.empty()) {
    slots.emplace_back();
  }
  std::vector<std::size_t> budgets = grid.budgets;
  if (budgets.empty()) {
    budgets.push_back(0);
  }
  std::vector<ContextSettings> out;
  for (const std::size_t budget : budgets) {
    for (const auto& slot : slots) {
      out.push_back({grid.mode, grid.n_documents, budget, slot, grid.retriever});
    }
  }
  return out;
}

}  // namespace

std::string answer_task_name(const QuestionSet& set, const ContextSettings& context) {
  std::string out = set.name;
  if (context.mode != ContextMode::kGold) {
    out += fmt::format(" {}", context_name(context));
  }
  if (context.gold_slot) {
    out += fmt::format(" gold {}", *context.gold_slot);
  }
  if (context.n_documents > 0) {
    out += fmt::format(" of {}", context.n_documents);
  }
  return context.budget > 0 ? fmt::format("{}@{}", out, context.budget) : out;
}

AnswerTask::AnswerTask(std::shared_ptr<const QuestionSet> set,
                       const AnswerParts& parts,
                       const ContextSettings& context,
                       const QuestionChoice& choice)
    : set_(std::move(set)),
      ranker_(parts.ranker == nullptr ? make_set_ranker(*set_) : parts.ranker),
      max_answer_(parts.max_answer > 0 ? parts.max_answer : set_->max_answer),
      counts_citations_(parts.prompt.asks_citations),
      measures_attention_(parts.measures_attention) {
  const std::size_t most_tokens = parts.model_context - std::min(parts.model_context, max_answer_);
  builder_ = std::make_unique<ContextBuilder>(
      ContextParts{parts.tokenizer, *ranker_, parts.prompt, parts.add_bos, most_tokens}, context);
  choose(choice);
  info_ = describe(parts, choice);
  info_.metrics = answer_metrics(kinds_of(*set_, counts_citations_));
  if (measures_attention_) {
    std::ranges::move(attention_metrics(), std::back_inserter(info_.metrics));
  }
}

void AnswerTask::choose(const QuestionChoice& choice) {
  for (const std::size_t number : question_order(set_->questions.size(), choice.is_shuffled)) {
    if (choice.limit > 0 && asked_.size() == choice.limit) {
      break;
    }
    if (builder_->fits(*set_, set_->questions[number], choice.least_budget)) {
      asked_.push_back(number);
    } else {
      ++n_left_out_;
    }
  }
  if (asked_.empty()) {
    raise(ErrorCode::kInvalidArgument,
          "{}: none of {} questions fits with what must stand beside it; allow longer prompts",
          set_->name,
          n_left_out_);
  }
}

eval::TaskInfo AnswerTask::describe(const AnswerParts& parts, const QuestionChoice& choice) const {
  eval::TaskInfo info{.name = answer_task_name(*set_, builder_->settings())};
  info.protocol = fmt::format(
      "{}; {}; {}, {} of {} left out as too long; greedy up to the end of the line, at most {} "
      "tokens",
      builder_->protocol(),
      prompt_protocol(parts.prompt),
      choice.is_shuffled ? fmt::format("questions shuffled by seed {}", kShuffleSeed)
                         : std::string("questions in the order of the set"),
      n_left_out_,
      n_left_out_ + asked_.size(),
      max_answer_);
  if (measures_attention_) {
    info.protocol += "; attention of the question, the prompt's last token and the answer";
  }
  const ContextSettings& settings = builder_->settings();
  const auto unless_zero = [](std::size_t n) { return n > 0 ? std::optional(n) : std::nullopt; };
  info.context = eval::ContextInfo{set_->name,
                                   context_name(settings),
                                   unless_zero(settings.n_documents),
                                   unless_zero(settings.budget),
                                   settings.gold_slot};
  info.data_hash = set_->data_hash;
  info.data_id = set_->data_id;
  info.n_documents = set_->questions.size();
  return info;
}

const OpenQuestion& AnswerTask::question(std::size_t index) const {
  return set_->questions[asked_.at(index)];
}

Context AnswerTask::context(std::size_t index) const {
  std::optional<Context> out = builder_->build(*set_, question(index), index);
  NIBBLE_CHECK(out.has_value(), "a question was chosen that does not fit");
  return *std::move(out);
}

eval::Sample AnswerTask::sample(std::size_t index) const {
  const OpenQuestion& asked = question(index);
  Context context = this->context(index);
  eval::Sample sample;
  sample.index = index;
  sample.id = asked.id;
  sample.target = asked.answers.empty() ? "" : asked.answers.front();
  sample.prompt = context.prompt.text;
  if (measures_attention_ && has_gold(context)) {
    sample.requests.emplace_back(attention_request(context, max_answer_, {"\n"}));
  } else {
    sample.requests.emplace_back(
        eval::GenerationRequest{std::move(context.prompt.text), max_answer_, {"\n"}});
  }
  return sample;
}

eval::SampleResult AnswerTask::score(const eval::Sample& sample,
                                     std::span<const eval::Response> responses) const {
  NIBBLE_CHECK(responses.size() == 1, "one response for each question");
  const eval::GenerationResponse* response = eval::generation_of(responses.front());
  NIBBLE_CHECK(response != nullptr, "a response that is no generation");
  if (!response->is_answered) {
    return unanswered(info_);
  }
  eval::SampleResult result;
  result.answer = first_line(response->text);
  if (!counts_citations_ && !measures_attention_) {
    result.scores = score_answer(response->text, question(sample.index), {}, false);
    return result;
  }
  const Context context = this->context(sample.index);
  result.scores =
      score_answer(response->text, question(sample.index), gold_flags(context), counts_citations_);
  if (measures_attention_) {
    result.scores.merge(no_attention_scores());
  }
  if (const auto* evidence = std::get_if<eval::EvidenceResponse>(&responses.front())) {
    AttentionResult read = read_attention(context, *evidence);
    for (auto& [metric, score] : read.scores) {
      result.scores[metric] = score;
    }
    result.attention = pack(read.record);
  }
  return result;
}

std::vector<std::unique_ptr<AnswerTask>> answer_tasks(std::shared_ptr<const QuestionSet> set,
                                                      AnswerParts parts,
                                                      const ContextGrid& grid,
                                                      QuestionChoice choice) {
  if (parts.ranker == nullptr) {
    parts.ranker = make_set_ranker(*set);
  }
  choice.least_budget = grid.budgets.empty() ? 0 : std::ranges::min(grid.budgets);
  std::vector<std::unique_ptr<AnswerTask>> out;
  for (const ContextSettings& context : contexts_of(grid)) {
    out.push_back(std::make_unique<AnswerTask>(set, parts, context, choice));
  }
  return out;
}

}  // namespace nibble::rag
