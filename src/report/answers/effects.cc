#include "report/answers/effects.h"

#include <algorithm>

#include "base/check.h"
#include "base/nan.h"

namespace nibble::report {
namespace {

using eval::Contribution;
using eval::stats::Interval;

/// Numbers of questions, given as they come.
class QuestionNumbers {
 public:
  std::size_t operator()(const std::string& question) {
    return numbers_.emplace(question, numbers_.size()).first->second;
  }

 private:
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

std::vector<rag::LengthScore> length_scores(std::span<const AtLength> lengths) {
  std::vector<rag::LengthScore> out;
  QuestionNumbers number;
  for (const AtLength& at : lengths) {
    for (const auto& [question, score] : at.scores) {
      out.push_back({number(question), at.tokens, score});
    }
  }
  return out;
}

std::vector<rag::LengthScore> length_differences(std::span<const AtLength> variant,
                                                 std::span<const AtLength> reference) {
  NIBBLE_CHECK(variant.size() == reference.size(), "a variant and a reference of other lengths");
  std::vector<AtLength> differences;
  for (std::size_t i = 0; i < variant.size(); ++i) {
    AtLength at{variant[i].tokens, {}};
    for (const auto& [question, score] : variant[i].scores) {
      if (const auto other = reference[i].scores.find(question);
          other != reference[i].scores.end()) {
        at.scores.emplace(question, score - other->second);
      }
    }
    differences.push_back(std::move(at));
  }
  return length_scores(differences);
}

/// Questions that every one of `slots` has a score of.
std::vector<std::string> common_questions(std::span<const ByQuestion> slots) {
  std::vector<std::string> out;
  for (const auto& [question, score] : slots.front()) {
    if (std::ranges::all_of(slots,
                            [&](const ByQuestion& slot) { return slot.contains(question); })) {
      out.push_back(question);
    }
  }
  return out;
}

/// [questions, slots]
std::vector<double> slot_scores(std::span<const ByQuestion> slots,
                                const std::vector<std::string>& questions) {
  std::vector<double> out;
  for (const std::string& question : questions) {
    for (const ByQuestion& slot : slots) {
      out.push_back(slot.at(question));
    }
  }
  return out;
}

double median_of(const ByQuestion& values) {
  std::vector<double> sorted;
  for (const auto& [question, value] : values) {
    sorted.push_back(value);
  }
  std::ranges::sort(sorted);
  return sorted.empty() ? kNaN : eval::stats::quantile(sorted, 0.5);
}

eval::stats::Correlation within_depths(const QuestionValues& values) {
  const ByQuestion lift = restricted(restricted(values.lift, values.f1), values.depths);
  std::vector<std::size_t> depths;
  for (const auto& [question, value] : lift) {
    depths.push_back(static_cast<std::size_t>(values.depths.at(question)));
  }
  const auto [attention, scores] = matched(lift, values.f1);
  return rag::correlation_in_slots(attention, scores, depths);
}

Interval rank_change(const QuestionValues& variant, const QuestionValues& reference) {
  const ByQuestion both =
      restricted(restricted(variant.rank, variant.f1), restricted(reference.rank, reference.f1));
  const auto [ranks, scores] = matched(restricted(variant.rank, both), variant.f1);
  const auto [other_ranks, other_scores] = matched(restricted(reference.rank, both), reference.f1);
  return rag::correlation_change(
      {ranks, scores}, {other_ranks, other_scores}, &eval::stats::spearman_rho);
}

/// Mean drift of the questions that were answered right, or wrong.
Interval drift_where(const QuestionValues& values, bool is_right) {
  std::vector<Contribution> drifts;
  for (const auto& [question, drift] : values.drift) {
    const auto right = values.right.find(question);
    if (right != values.right.end() && (right->second >= 0.5) == is_right) {
      drifts.push_back({drift, 1});
    }
  }
  return drifts.empty() ? Interval{kNaN, kNaN, kNaN, 0}
                        : eval::stats::ratio_interval(drifts, eval::Transform::kIdentity);
}

}  // namespace

LengthEffect length_effect(std::span<const AtLength> variant,
                           const std::vector<AtLength>* reference) {
  const std::vector<rag::LengthScore> scores = length_scores(variant);
  LengthEffect out{rag::degradation(scores), rag::rule_cliff(scores), rag::model_cliff(scores), {}};
  if (reference != nullptr) {
    out.extra = rag::degradation(length_differences(variant, *reference));
  }
  return out;
}

PositionChange position_change(std::span<const ByQuestion> variant,
                               const std::vector<ByQuestion>* reference) {
  std::vector<std::string> questions = common_questions(variant);
  PositionChange out{rag::position_effect(slot_scores(variant, questions), variant.size()), {}};
  if (reference != nullptr) {
    const std::vector<std::string> others = common_questions(*reference);
    std::erase_if(questions, [&](const std::string& question) {
      return !std::ranges::binary_search(others, question);
    });
    out.change = rag::u_difference(
        slot_scores(variant, questions), slot_scores(*reference, questions), variant.size());
  }
  return out;
}

AttentionQuality attention_quality(const QuestionValues& variant, const QuestionValues* reference) {
  AttentionQuality out{.median_rank = median_of(variant.rank), .n = variant.rank.size()};
  const MatchedValues p1 = matched(variant.p1, variant.f1);
  out.p1_f1 = eval::stats::pearson(p1.first, p1.second);
  const MatchedValues rank = matched(variant.rank, variant.f1);
  out.rank_f1 = eval::stats::spearman(rank.first, rank.second);
  out.lift_f1 = within_depths(variant);
  const MatchedValues lift = matched(variant.lift, variant.right);
  out.split = rag::split_by_attention(lift.first, lift.second);
  if (reference != nullptr) {
    out.rank_f1_change = rank_change(variant, *reference);
  }
  return out;
}

DriftQuality drift_quality(const QuestionValues& variant) {
  const MatchedValues f1 = matched(variant.drift, variant.f1);
  return {variant.drift.size(),
          drift_where(variant, true),
          drift_where(variant, false),
          eval::stats::spearman(f1.first, f1.second)};
}

}  // namespace nibble::report
