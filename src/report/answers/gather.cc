#include "report/answers/gather.h"

#include <algorithm>

#include "report/answers/gather_groups.h"
#include "report/data.h"

namespace nibble::report {
namespace {

/// One store and the study that it holds.
class AnswerGatherer {
 public:
  AnswerGatherer(const store::Store& store, const Data& data)
      : store_(store),
        data_(data),
        out_{most_lengths(data.tasks),
             most_positions(data.tasks),
             first_attention_task(data.tasks),
             {},
             gather_groups(store, data)} {}

  Answers run() {
    for (const Variant& variant : data_.variants) {
      out_.variants.push_back(effects(variant));
    }
    return std::move(out_);
  }

 private:
  /// The reference, where it is another one and has the tasks.
  [[nodiscard]] const Variant* compared_with(const Variant& variant,
                                             const TaskNumbers& tasks) const {
    const Variant& reference = data_.variants.front();
    return variant.is_reference || !reference.missing_of(tasks).empty() ? nullptr : &reference;
  }

  [[nodiscard]] ByQuestion values(const Variant& variant,
                                  std::size_t task,
                                  std::string_view metric) const {
    return values_by_question(store_, variant.unit_of(task), metric);
  }

  [[nodiscard]] std::vector<AtLength> at_lengths(const Variant& variant) const {
    std::vector<AtLength> out;
    for (const std::size_t t : out_.length_tasks) {
      out.push_back(
          {static_cast<double>(*data_.tasks[t].context->budget), values(variant, t, "f1")});
    }
    return out;
  }

  [[nodiscard]] std::vector<ByQuestion> at_positions(const Variant& variant) const {
    std::vector<ByQuestion> out;
    for (const std::size_t t : out_.position_tasks) {
      out.push_back(values(variant, t, "f1"));
    }
    return out;
  }

  [[nodiscard]] QuestionValues questions(const Variant& variant) const {
    const std::size_t t = *out_.attention_task;
    const auto of = [&](std::string_view metric) { return values(variant, t, metric); };
    return {of("f1"),
            of("subspan_em"),
            of("attention_p1"),
            of("attention_rank"),
            of("attention_lift"),
            of("drift_mean"),
            depths_by_question(store_, variant.unit_of(t))};
  }

  [[nodiscard]] Known<LengthEffect> length(const Variant& variant) const {
    if (std::string reason = variant.missing_of(out_.length_tasks); !reason.empty()) {
      return {{}, std::move(reason)};
    }
    if (out_.length_tasks.size() < 2) {
      return {{}, "one length, two wanted"};
    }
    const Variant* reference = compared_with(variant, out_.length_tasks);
    const auto with = reference != nullptr ? at_lengths(*reference) : std::vector<AtLength>{};
    return {length_effect(at_lengths(variant), reference != nullptr ? &with : nullptr), ""};
  }

  [[nodiscard]] Known<PositionChange> position(const Variant& variant) const {
    if (std::string reason = variant.missing_of(out_.position_tasks); !reason.empty()) {
      return {{}, std::move(reason)};
    }
    if (out_.position_tasks.size() < 2) {
      return {{}, "one position, two wanted"};
    }
    const Variant* reference = compared_with(variant, out_.position_tasks);
    const auto with = reference != nullptr ? at_positions(*reference) : std::vector<ByQuestion>{};
    return {position_change(at_positions(variant), reference != nullptr ? &with : nullptr), ""};
  }

  [[nodiscard]] AnswerEffects effects(const Variant& variant) const {
    AnswerEffects out{length(variant), position(variant), {}, {}};
    const TaskNumbers tasks =
        out_.attention_task ? TaskNumbers{*out_.attention_task} : TaskNumbers{};
    if (const std::string reason = variant.missing_of(tasks); !reason.empty()) {
      out.attention.reason = reason;
      out.drift.reason = reason;
      return out;
    }
    const QuestionValues own = questions(variant);
    const Variant* reference = compared_with(variant, tasks);
    const QuestionValues with = reference != nullptr ? questions(*reference) : QuestionValues{};
    out.attention.value = attention_quality(own, reference != nullptr ? &with : nullptr);
    out.drift.value = drift_quality(own);
    return out;
  }

  const store::Store& store_;
  const Data& data_;
  Answers out_;
};

}  // namespace

Answers gather_answers(const store::Store& store, const Data& data) {
  return AnswerGatherer(store, data).run();
}

}  // namespace nibble::report
