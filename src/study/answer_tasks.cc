#include "study/answer_tasks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "rag/answer/attention_record.h"
#include "rag/answer/question_set.h"

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
                         const AnsweringModel& model) {
  for (const RagSpec& spec : specs) {
    try {
      add(spec, data, model);
    } catch (const Error& error) {
      throw Error(error.failure().within(fmt::format("[[rag]] {}", spec.set)));
    }
  }
}

void AnswerTasks::add(const RagSpec& spec,
                      const std::filesystem::path& data,
                      const AnsweringModel& model) {
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
  for (auto& task : rag::answer_tasks(set, parts, grid, {spec.limit, spec.is_shuffled})) {
    const std::string& name = task->info().name;
    const bool is_known = std::ranges::any_of(
        tasks_, [&name](const auto& other) { return other->info().name == name; });
    if (is_known) {
      raise(ErrorCode::kInvalidArgument, "two tasks are called '{}'", name);
    }
    tasks_.push_back(std::move(task));
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
