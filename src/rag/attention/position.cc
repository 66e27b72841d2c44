#include "rag/attention/position.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/nan.h"
#include "eval/stats/bootstrap.h"
#include "eval/stats/random.h"

namespace nibble::rag {
namespace {

using eval::stats::Interval;
using eval::stats::Random;
using eval::stats::ResampleOptions;

/// Variances of permutations that equal the observed one but for rounding count as equal.
constexpr double kSame = 1e-12;

void check_rows(std::span<const double> scores, std::size_t n_slots) {
  if (n_slots == 0 || scores.size() % n_slots != 0) {
    raise(ErrorCode::kInvalidArgument,
          "position effect: {} scores in {} slots, wanted one of every question in each",
          scores.size(),
          n_slots);
  }
}

/// First, last and the mean of those between, of one question.
struct Parts {
  double first = 0.0, middle = 0.0, last = 0.0;

  [[nodiscard]] double primacy() const { return first - middle; }
  [[nodiscard]] double recency() const { return last - middle; }
  [[nodiscard]] double u() const { return (primacy() + recency()) / 2; }
};

Parts parts_of(std::span<const double> slots) {
  if (slots.size() < 3) {
    return {kNaN, kNaN, kNaN};
  }
  const double sum = std::accumulate(slots.begin() + 1, slots.end() - 1, 0.0);
  return {slots.front(), sum / static_cast<double>(slots.size() - 2), slots.back()};
}

/// Interval of the mean over questions of `part`.
Interval mean_interval(std::span<const double> of_question, const ResampleOptions& options) {
  return eval::stats::bootstrap_interval(
      of_question.size(),
      [&](std::span<const std::uint32_t> samples) {
        double sum = 0.0;
        for (const std::uint32_t i : samples) {
          sum += of_question[i];
        }
        return sum / static_cast<double>(samples.size());
      },
      options);
}

template <class Part>
std::vector<double> each_question(std::span<const double> scores,
                                  std::size_t n_slots,
                                  const Part& part) {
  std::vector<double> out;
  for (std::size_t at = 0; at < scores.size(); at += n_slots) {
    out.push_back(part(parts_of(scores.subspan(at, n_slots))));
  }
  return out;
}

std::vector<double> slot_sums(std::span<const double> scores, std::size_t n_slots) {
  std::vector<double> sums(n_slots);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    sums[i % n_slots] += scores[i];
  }
  return sums;
}

/// Grows with the variance of the slots' means, whose sum no permutation changes.
double spread(std::span<const double> sums) {
  const double mean =
      std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(sums.size());
  return std::accumulate(sums.begin(), sums.end(), 0.0, [mean](double sum, double x) {
    return sum + (x - mean) * (x - mean);
  });
}

double permutation_p(std::vector<double> scores,
                     std::size_t n_slots,
                     const ResampleOptions& options) {
  if (scores.empty()) {
    return kNaN;
  }
  const double observed = spread(slot_sums(scores, n_slots));
  Random random(options.seed);
  std::size_t n_extreme = 0;
  for (std::size_t i = 0; i < options.n_replicates; ++i) {
    for (std::size_t at = 0; at < scores.size(); at += n_slots) {
      eval::stats::shuffle(std::span(scores).subspan(at, n_slots), random);
    }
    n_extreme += spread(slot_sums(scores, n_slots)) >= observed * (1 - kSame) ? 1U : 0U;
  }
  return static_cast<double>(1 + n_extreme) / static_cast<double>(1 + options.n_replicates);
}

}  // namespace

PositionEffect position_effect(std::span<const double> scores,
                               std::size_t n_slots,
                               const ResampleOptions& options) {
  check_rows(scores, n_slots);
  PositionEffect out;
  const auto n_questions = static_cast<double>(scores.size() / n_slots);
  for (const double sum : slot_sums(scores, n_slots)) {
    out.means.push_back(n_questions > 0 ? sum / n_questions : kNaN);
  }
  const auto interval = [&](double (Parts::*part)() const) {
    return mean_interval(
        each_question(scores, n_slots, [part](const Parts& parts) { return (parts.*part)(); }),
        options);
  };
  out.u = interval(&Parts::u);
  out.primacy = interval(&Parts::primacy);
  out.recency = interval(&Parts::recency);
  if (std::ranges::all_of(scores, [](double x) { return x == 0.0 || x == 1.0; })) {
    out.cochran = eval::stats::cochran_q(scores, n_slots);
  }
  out.permutation_p = permutation_p({scores.begin(), scores.end()}, n_slots, options);
  return out;
}

Interval u_difference(std::span<const double> variant,
                      std::span<const double> reference,
                      std::size_t n_slots,
                      const ResampleOptions& options) {
  check_rows(variant, n_slots);
  if (variant.size() != reference.size()) {
    raise(ErrorCode::kInvalidArgument,
          "position effect: {} scores of the variant beside {} of the reference",
          variant.size(),
          reference.size());
  }
  const auto u_of = [](const Parts& parts) { return parts.u(); };
  std::vector<double> differences = each_question(variant, n_slots, u_of);
  const std::vector<double> of_reference = each_question(reference, n_slots, u_of);
  std::ranges::transform(differences, of_reference, differences.begin(), std::minus{});
  return mean_interval(differences, options);
}

}  // namespace nibble::rag
