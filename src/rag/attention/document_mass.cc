#include "rag/attention/document_mass.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace nibble::rag {
namespace {

void check_view(const View& view, std::span<const std::size_t> spans) {
  if (view.rows.empty() || view.heads.empty() || spans.empty()) {
    raise(ErrorCode::kInvalidArgument,
          "attention of {} rows by {} heads to {} spans, at least one of each wanted",
          view.rows.size(),
          view.heads.size(),
          spans.size());
  }
}

std::size_t length_of(const model::TokenSpan& span) {
  return span.end - span.begin;
}

bool sees_all(const model::AttentionMass& mass,
              std::size_t layer,
              std::size_t row,
              std::span<const std::size_t> documents) {
  return std::ranges::all_of(documents, [&](std::size_t span) {
    return mass.n_reachable(layer, row, span) == length_of(mass.spans()[span]);
  });
}

double measured(const model::AttentionMass& mass,
                const Head& head,
                std::size_t row,
                std::size_t span) {
  const float value = mass.at(head.layer, head.head, row, span);
  NIBBLE_CHECK(!std::isnan(value), "attention: a row that was not measured");
  return static_cast<double>(value);
}

/// Adds the mean over the heads that see everything; false where none does.
bool add_row(const model::AttentionMass& mass,
             std::size_t row,
             const HeadSet& heads,
             std::span<const std::size_t> documents,
             Scores& sums) {
  Scores of_row(documents.size());
  std::size_t n = 0;
  for (const Head& head : heads) {
    if (sees_all(mass, head.layer, row, documents)) {
      ++n;
      for (std::size_t j = 0; j < documents.size(); ++j) {
        of_row[j] += measured(mass, head, row, documents[j]);
      }
    }
  }
  for (std::size_t j = 0; j < documents.size(); ++j) {
    sums[j] += n > 0 ? of_row[j] / static_cast<double>(n) : 0.0;
  }
  return n > 0;
}

std::optional<Scores> normalized(Scores scores) {
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  if (!(sum > 0.0)) {
    return std::nullopt;
  }
  for (double& score : scores) {
    score /= sum;
  }
  return scores;
}

}  // namespace

std::vector<std::size_t> measured_rows(const model::AttentionMass& mass,
                                       std::size_t begin,
                                       std::size_t end) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < mass.n_rows(); ++row) {
    if (mass.rows()[row] >= begin && mass.rows()[row] < end && mass.is_measured(row)) {
      rows.push_back(row);
    }
  }
  return rows;
}

std::optional<Scores> document_masses(const model::AttentionMass& mass,
                                      const View& view,
                                      std::span<const std::size_t> documents) {
  check_view(view, documents);
  Scores sums(documents.size());
  for (const std::size_t row : view.rows) {
    if (!add_row(mass, row, view.heads, documents, sums)) {
      return std::nullopt;
    }
  }
  for (double& sum : sums) {
    sum /= static_cast<double>(view.rows.size());
  }
  return sums;
}

double reachable_share(const model::AttentionMass& mass,
                       const View& view,
                       std::span<const std::size_t> documents) {
  check_view(view, documents);
  std::size_t n_reachable = 0;
  std::size_t n_tokens = 0;
  for (const std::size_t row : view.rows) {
    for (const Head& head : view.heads) {
      for (const std::size_t span : documents) {
        n_reachable += mass.n_reachable(head.layer, row, span);
        n_tokens += length_of(mass.spans()[span]);
      }
    }
  }
  return static_cast<double>(n_reachable) / static_cast<double>(std::max<std::size_t>(n_tokens, 1));
}

double spans_mass(const model::AttentionMass& mass,
                  const View& view,
                  std::span<const std::size_t> spans) {
  check_view(view, spans);
  double sum = 0.0;
  for (const std::size_t row : view.rows) {
    for (const Head& head : view.heads) {
      for (const std::size_t span : spans) {
        sum += measured(mass, head, row, span);
      }
    }
  }
  return sum / static_cast<double>(view.rows.size() * view.heads.size());
}

std::optional<Scores> share(std::span<const double> masses) {
  return normalized({masses.begin(), masses.end()});
}

std::optional<Scores> density(std::span<const double> masses,
                              std::span<const std::size_t> lengths) {
  if (masses.size() != lengths.size() ||
      std::ranges::find(lengths, std::size_t{0}) != lengths.end()) {
    raise(ErrorCode::kInvalidArgument,
          "attention density of {} documents with {} lengths, a length above 0 of each is wanted",
          masses.size(),
          lengths.size());
  }
  Scores scores(masses.size());
  for (std::size_t j = 0; j < masses.size(); ++j) {
    scores[j] = masses[j] / static_cast<double>(lengths[j]);
  }
  return normalized(std::move(scores));
}

Scores calibrated(std::span<const double> density, std::span<const double> baseline) {
  if (density.size() != baseline.size()) {
    raise(ErrorCode::kInvalidArgument,
          "attention to {} documents calibrated by that to {}, wanted the same",
          density.size(),
          baseline.size());
  }
  Scores out(density.size());
  std::ranges::transform(density, baseline, out.begin(), std::minus{});
  return out;
}

}  // namespace nibble::rag
