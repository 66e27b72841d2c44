#include "report/answers/pictures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/nan.h"

namespace nibble::report {
namespace {

/// Masses of the documents in one layer, summed over heads.
std::vector<double> layer_masses(const rag::AttentionRecord& record, std::size_t layer) {
  const std::size_t n = record.documents.size();
  std::vector<double> out(n);
  for (std::size_t head = 0; head < record.n_heads; ++head) {
    for (std::size_t j = 0; j < n; ++j) {
      out[j] += static_cast<double>(record.last[(layer * record.n_heads + head) * n + j]);
    }
  }
  return out;
}

/// Share of the right documents in one layer; NaN where the layer does not see all documents.
double gold_share(const rag::AttentionRecord& record, std::size_t layer) {
  const std::vector<double> masses = layer_masses(record, layer);
  double gold = 0;
  for (const std::size_t j : record.gold()) {
    gold += masses[j];
  }
  const double all = std::accumulate(masses.begin(), masses.end(), 0.0);
  return all > 0 ? gold / all : kNaN;
}

double mean_of(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

void PictureMaker::add(const PicturedAnswer& answer) {
  ++funnel_.asked;
  funnel_.right += answer.is_right ? 1U : 0U;
  if (answer.own == nullptr) {
    return;
  }
  ++funnel_.retrieved;
  funnel_.attended += answer.is_attended ? 1U : 0U;
  funnel_.answered += answer.is_attended && answer.is_right ? 1U : 0U;
  add_gold(*answer.own);
  if (answer.reference != nullptr) {
    add_likeness(answer);
  }
}

void PictureMaker::add_gold(const rag::AttentionRecord& record) {
  shares_.resize(std::max(shares_.size(), record.n_layers * kDepths));
  const std::size_t depth = depth_of(record);
  ++n_[depth];
  for (std::size_t layer = 0; layer < record.n_layers; ++layer) {
    if (const double share = gold_share(record, layer); !std::isnan(share)) {
      Sum& sum = shares_[layer * kDepths + depth];
      sum.sum += share;
      ++sum.n;
    }
  }
}

void PictureMaker::add_likeness(const PicturedAnswer& answer) {
  const rag::AttentionRecord& own = *answer.own;
  const rag::AttentionRecord& reference = *answer.reference;
  if (!heads_) {
    heads_.emplace(own.n_layers, own.n_heads);
  }
  heads_->add(own.last, reference.last);
  rag::HeadAgreement one(own.n_layers, own.n_heads);
  one.add(own.last, reference.last);
  QuestionLikeness& question = questions_[answer.question];
  const auto add_to = [](Sum& sum, double value) {
    if (!std::isnan(value)) {
      sum.sum += value;
      ++sum.n;
    }
  };
  add_to(question.agreement, one.agreement());
  add_to(question.divergence, one.divergence());
  add_to(question.sink_change, mean_of(own.sinks) - mean_of(reference.sinks));
}

eval::stats::Interval PictureMaker::over_questions(Sum QuestionLikeness::*of) const {
  std::vector<eval::Contribution> means;
  for (const auto& [id, question] : questions_) {
    if (const Sum& sum = question.*of; sum.n > 0) {
      means.push_back({sum.sum / static_cast<double>(sum.n), 1});
    }
  }
  return means.empty() ? eval::stats::Interval{kNaN, kNaN, kNaN, 0}
                       : eval::stats::ratio_interval(means, eval::Transform::kIdentity);
}

AttentionPictures PictureMaker::take() const {
  AttentionPictures out{funnel_, {shares_.size() / kDepths, {}, n_}, {}};
  for (const Sum& sum : shares_) {
    out.gold.shares.push_back(sum.n > 0 ? sum.sum / static_cast<double>(sum.n) : kNaN);
  }
  if (heads_) {
    out.likeness = HeadLikeness{over_questions(&QuestionLikeness::agreement),
                                over_questions(&QuestionLikeness::divergence),
                                over_questions(&QuestionLikeness::sink_change),
                                heads_->divergence_of_layers()};
  }
  return out;
}

}  // namespace nibble::report
