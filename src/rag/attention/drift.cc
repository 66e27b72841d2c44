#include "rag/attention/drift.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace nibble::rag {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Of values at steps 1, 2, ... behind a 0 at step 0.
double slope_of(std::span<const double> values) {
  const auto n = static_cast<double>(values.size() + 1);
  const double middle = (n - 1) / 2;
  double product = 0.0;
  double square = middle * middle;  // step 0
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double t = static_cast<double>(i + 1) - middle;
    product += t * values[i];
    square += t * t;
  }
  return product / square;
}

/// Shares of every step; nullopt where one has none.
std::optional<std::vector<Scores>> shares_of(std::span<const Scores> masses) {
  std::vector<Scores> shares;
  for (const Scores& of_step : masses) {
    auto one = share(of_step);
    if (!one) {
      return std::nullopt;
    }
    shares.push_back(std::move(*one));
  }
  return shares;
}

}  // namespace

std::optional<Drift> drift_of(std::span<const Scores> masses, Gold gold) {
  if (masses.size() < 2) {
    raise(ErrorCode::kInvalidArgument,
          "attention drift of {} steps, wanted the prompt's last token and at least one more",
          masses.size());
  }
  const auto shares = shares_of(masses);
  if (!shares) {
    return std::nullopt;
  }
  Drift drift;
  for (const Scores& of_step : masses) {
    drift.document_mass.push_back(std::accumulate(of_step.begin(), of_step.end(), 0.0));
  }
  const Scores& start = shares->front();
  for (std::size_t t = 1; t < shares->size(); ++t) {
    const Scores& now = (*shares)[t];
    drift.from_start.push_back(js_divergence(now, start));
    drift.variation.push_back(variation(now, start));
    drift.step.push_back(js_divergence(now, (*shares)[t - 1]));
    drift.from_relevant.push_back(gold_mass(start, gold) - gold_mass(now, gold));
    if (precision_at_1(now, gold) == 0.0) {
      drift.off_gold.push_back(t);
    }
  }
  return drift;
}

DriftSummary summarize(const Drift& drift) {
  DriftSummary out;
  out.n_steps = drift.from_start.size();
  out.mean = mean_of(drift.from_start);
  out.most = std::ranges::max(drift.from_start);
  out.last = drift.from_start.back();
  out.slope = slope_of(drift.from_start);
  out.mean_variation = mean_of(drift.variation);
  out.mean_step = mean_of(drift.step);
  out.mean_from_relevant = mean_of(drift.from_relevant);
  out.last_from_relevant = drift.from_relevant.back();
  out.share_off_gold =
      static_cast<double>(drift.off_gold.size()) / static_cast<double>(out.n_steps);
  if (!drift.off_gold.empty()) {
    out.first_off_gold = drift.off_gold.front();
  }
  out.first_document_mass = drift.document_mass.front();
  out.last_document_mass = drift.document_mass.back();
  return out;
}

}  // namespace nibble::rag
