#include "study/answer_tasks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "rag/answer/attention_record.h"
#include "rag/answer/question_set.h"
#include "rag/answer/search_task.h"

namespace nibble::study {
namespace {

void check_lengths(const RagSpec& spec, const AnsweringModel& model) {
  for (const std::size_t length : spec.lengths) {
    if (length > model.context) {
      raise(ErrorCode::kInvalidArgument,
            "prompts of {} tokens, wanted at most the model's context of {}",
            length,
            model.context);
    }
  }
}

}  // namespace

AnswerTasks::AnswerTasks(std::span<const RagSpec> specs,
                         const std::filesystem::path& data,
                         const AnsweringModel& model,
                         std::span<const RetrieverSpec> retrievers) {
  for (const RagSpec& spec : specs) {
    try {
      add(spec, data, model, retrievers);
    } catch (const Error& error) {
      throw Error(error.failure().within(fmt::format("[[rag]] {}", spec.set)));
    }
  }
}

void AnswerTasks::add(const RagSpec& spec,
                      const std::filesystem::path& data,
                      const AnsweringModel& model,
                      std::span<const RetrieverSpec> retrievers) {
  check_lengths(spec, model);
  auto found = rag::read_question_set(spec.set, spec.data.empty() ? data : spec.data);
  // A name that is written wrong is no set whose data is not there.
  if (!found && spec.is_optional && rag::check_question_set_name(spec.set) &&
      found.failure().code == ErrorCode::kNotFound) {
    left_out_.push_back(
        fmt::format("[[rag]] {} is left out: {}", spec.set, found.failure().message));
    return;
  }
  const auto set = std::move(found).take();
  if (spec.is_chat && !template_) {
    template_ = parse_chat_template(model, "chat = true");
  }
  const rag::AnswerParts parts{
      .tokenizer = model.tokenizer,
      .prompt = {.chat = {spec.is_chat ? &*template_ : nullptr, spec.system, true},
                 .asks_citations = spec.asks_citations,
                 .allows_abstention = spec.allows_abstention,
                 .shows_example = spec.shows_example},
      .add_bos = model.tokenizer.special().add_bos,
      .model_context = model.context,
      .max_answer = spec.max_answer,
      .measures_attention = spec.measures_attention};
  const rag::ContextGrid grid{spec.mode, spec.n_documents, spec.lengths, spec.positions};
  const rag::QuestionChoice choice{spec.limit, spec.is_shuffled};
  for (const std::string& name : spec.retrievers) {
    const auto retriever = std::ranges::find(retrievers, name, &RetrieverSpec::name);
    NIBBLE_CHECK(retriever != retrievers.end(), "a retriever that the study file does not have");
    add_behind(*retriever, set, parts, grid, choice);
  }
  if (spec.retrievers.empty()) {
    take_tasks(rag::answer_tasks(set, parts, grid, choice));
  }
}

/// Their names.
std::vector<std::string> AnswerTasks::take_tasks(TaskPointers tasks) {
  std::vector<std::string> names;
  for (auto& task : tasks) {
    const std::string& name = task->info().name;
    const bool is_known = std::ranges::any_of(
        tasks_, [&name](const auto& other) { return other->info().name == name; });
    if (is_known) {
      raise(ErrorCode::kInvalidArgument, "two tasks are called '{}'", name);
    }
    names.push_back(name);
    tasks_.push_back(std::move(task));
  }
  return names;
}

StudySearch& AnswerTasks::search_of(const RetrieverSpec& retriever,
                                    const std::shared_ptr<const rag::QuestionSet>& set) {
  const std::string name = fmt::format("{} over {}", retriever.name, set->name);
  for (const auto& search : searches_) {
    if (search->name == name) {
      if (search->set->data_hash != set->data_hash) {
        raise(ErrorCode::kInvalidArgument, "two sets of other data are called '{}'", set->name);
      }
      return *search;
    }
  }
  std::string hash;
  if (!retriever.settings.encoder.empty()) {
    hash = rag::Encoder::hash_of(retriever.settings.encoder, retriever.settings.weights).take();
  }
  searches_.push_back(
      std::make_shared<StudySearch>(StudySearch{name, retriever.settings, std::move(hash), set}));
  return *searches_.back();
}

void AnswerTasks::add_behind(const RetrieverSpec& retriever,
                             const std::shared_ptr<const rag::QuestionSet>& set,
                             rag::AnswerParts parts,
                             rag::ContextGrid grid,
                             const rag::QuestionChoice& choice) {
  StudySearch& search = search_of(retriever, set);
  constexpr std::size_t kShownDigits = 8;
  const auto found = std::make_shared<FoundPassages>(
      set,
      fmt::format("{}{} over the {} passages of the set",
                  retriever.settings.text(),
                  search.encoder_hash.empty()
                      ? ""
                      : fmt::format(" [{}]", search.encoder_hash.substr(0, kShownDigits)),
                  set->passages.size()));
  parts.ranker = found;
  grid.retriever = retriever.name;
  auto tasks = rag::answer_tasks(set, parts, grid, choice);
  auto searched = std::make_shared<rag::SearchTask>(set, tasks.front()->asked(), grid.n_documents);
  const std::vector<std::string> names = take_tasks(std::move(tasks));
  for (const std::string& name : names) {
    found_.emplace_back(name, found);
  }
  search.searches.push_back({std::move(searched), names});
}

void AnswerTasks::read_found(const store::Store& store, const StudyPlan& plan) const {
  for (const PlannedTask& task : plan.tasks) {
    for (const auto& [name, found] : found_) {
      if (name == task.record.name && !task.reads.empty()) {
        found->read_from(store, task.reads);
      }
    }
  }
}

void force_reference_answers(std::span<eval::Sample> samples,
                             const store::Store& store,
                             std::string_view reference_unit) {
  for (eval::Sample& sample : samples) {
    for (eval::Request& request : sample.requests) {
      auto* evidence = std::get_if<eval::EvidenceRequest>(&request);
      const auto packed =
          evidence != nullptr ? store.attention(reference_unit, sample.index) : std::nullopt;
      if (packed) {
        evidence->forced = rag::unpack_attention(*packed).take().answer;
      }
    }
  }
}

}  // namespace nibble::study
