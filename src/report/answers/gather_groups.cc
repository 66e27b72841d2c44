#include "report/answers/gather_groups.h"

#include <algorithm>

#include "report/data.h"

namespace nibble::report {
namespace {

constexpr double kCountsAsRight = 0.5;  // a score from here on counts as right

std::optional<rag::AttentionRecord> record_of(const store::Store& store,
                                              const std::string& unit,
                                              std::size_t index) {
  const auto packed = store.attention(unit, index);
  return packed ? std::optional(rag::unpack_attention(*packed).take()) : std::nullopt;
}

/// Whether each sample's score counts as right, by the sample's index.
std::map<std::size_t, bool> verdicts(const store::Store& store,
                                     const std::string& unit,
                                     std::string_view metric) {
  std::map<std::size_t, bool> out;
  for (const store::ScoreRow& row : store.scores(unit, metric)) {
    out[row.index] = row.ratio && row.ratio->sum >= kCountsAsRight * row.ratio->weight;
  }
  return out;
}

class GroupGatherer {
 public:
  GroupGatherer(const store::Store& store, const Data& data, const TaskNumbers& tasks)
      : store_(store), data_(data) {
    out_.name = group_name(data.tasks, tasks);
    out_.tasks = tasks;
    out_.by_length = tasks_by_length(data.tasks, tasks);
    out_.by_position = tasks_by_position(data.tasks, tasks);
    std::ranges::copy_if(tasks, std::back_inserter(out_.with_attention), [&data](std::size_t t) {
      return measures_attention(data.tasks[t]);
    });
  }

  AnswerGroup run() {
    if (out_.with_attention.empty()) {
      return std::move(out_);
    }
    for (const Variant& variant : data_.variants) {
      out_.pictures.push_back(pictures(variant));
    }
    if (is_complete(data_.variants.front())) {
      add_questions();
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool is_complete(const Variant& variant) const {
    return variant.missing_of(out_.with_attention).empty();
  }

  [[nodiscard]] Known<AttentionPictures> pictures(const Variant& variant) const {
    if (std::string reason = variant.missing_of(out_.with_attention); !reason.empty()) {
      return {{}, std::move(reason)};
    }
    PictureMaker maker;
    for (const std::size_t task : out_.with_attention) {
      add_task(variant, task, maker);
    }
    return {maker.take(), ""};
  }

  void add_task(const Variant& variant, std::size_t task, PictureMaker& maker) const {
    const std::string& unit = variant.unit_of(task);
    const Variant& reference = data_.variants.front();
    const bool compares = !variant.is_reference && is_complete(reference);
    const std::vector<std::string> ids = store_.sample_ids(unit);
    const std::vector<std::size_t> indexes = store_.sample_indexes(unit);
    std::map<std::size_t, bool> attended = verdicts(store_, unit, "attention_p1");
    std::map<std::size_t, bool> right = verdicts(store_, unit, "subspan_em");
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      const auto own = record_of(store_, unit, indexes[i]);
      const auto with =
          own && compares ? record_of(store_, reference.unit_of(task), indexes[i]) : std::nullopt;
      maker.add({ids[i],
                 own ? &*own : nullptr,
                 with ? &*with : nullptr,
                 attended[indexes[i]],
                 right[indexes[i]]});
    }
  }

  /// Those first that most variants answered otherwise than the reference.
  [[nodiscard]] std::vector<std::size_t> telling_questions(std::size_t task) const {
    const Variant& reference = data_.variants.front();
    std::map<std::size_t, bool> wanted = verdicts(store_, reference.unit_of(task), "subspan_em");
    std::map<std::size_t, std::size_t> n_changed;
    for (const Variant& variant : data_.variants) {
      if (is_complete(variant)) {
        for (const auto& [index, is_right] :
             verdicts(store_, variant.unit_of(task), "subspan_em")) {
          n_changed[index] += is_right != wanted[index] ? 1U : 0U;
        }
      }
    }
    std::vector<std::size_t> out = store_.sample_indexes(reference.unit_of(task));
    std::ranges::stable_sort(
        out, std::ranges::greater{}, [&](std::size_t index) { return n_changed[index]; });
    return out;
  }

  void add_questions() {
    const std::size_t task = out_.with_attention.front();
    const std::string& unit = data_.variants.front().unit_of(task);
    for (const std::size_t index : telling_questions(task)) {
      const auto record = record_of(store_, unit, index);
      if (!record || out_.questions.size() == kMaxQuestionViews) {
        continue;
      }
      QuestionView view = view_question(*store_.sample(unit, index), *record);
      for (const Variant& variant : data_.variants) {
        view.answers.push_back(answer(variant, task, index));
      }
      out_.questions.push_back(std::move(view));
    }
  }

  [[nodiscard]] std::optional<ViewedAnswer> answer(const Variant& variant,
                                                   std::size_t task,
                                                   std::size_t index) const {
    if (!is_complete(variant)) {
      return std::nullopt;
    }
    const std::string& unit = variant.unit_of(task);
    const auto record = record_of(store_, unit, index);
    return record ? std::optional(view_answer(*store_.sample(unit, index), *record)) : std::nullopt;
  }

  const store::Store& store_;
  const Data& data_;
  AnswerGroup out_;
};

}  // namespace

std::vector<AnswerGroup> gather_groups(const store::Store& store, const Data& data) {
  std::vector<AnswerGroup> out;
  for (const TaskNumbers& tasks : answer_groups(data.tasks)) {
    if (!data.variants.empty()) {
      out.push_back(GroupGatherer(store, data, tasks).run());
    }
  }
  return out;
}

}  // namespace nibble::report
