#include "rag/attention/cliff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/nan.h"
#include "eval/stats/bootstrap.h"

namespace nibble::rag {
namespace {

using Questions = std::vector<std::vector<LengthScore>>;

constexpr std::size_t kFewestLengths = 4;
/// A squared error below this share of the variation is rounding.
constexpr double kNoError = 1e-14;

/// Sums over centred values of x (tokens / 1000), h = max(0, x - break) and y.
struct Moments {
  double xx = 0, xh = 0, hh = 0, xy = 0, hy = 0, yy = 0;
  double n = 0;

  void add(const Moments& other) {
    xx += other.xx;
    xh += other.xh;
    hh += other.hh;
    xy += other.xy;
    hy += other.hy;
    yy += other.yy;
    n += other.n;
  }
};

Moments moments_of(std::span<const LengthScore> question, double break_tokens) {
  const auto n = static_cast<double>(question.size());
  double mean_x = 0;
  double mean_h = 0;
  double mean_y = 0;
  const auto x_of = [](const LengthScore& score) { return score.tokens / 1000; };
  const auto h_of = [=](const LengthScore& score) {
    return std::max(0.0, score.tokens - break_tokens) / 1000;
  };
  for (const LengthScore& score : question) {
    mean_x += x_of(score) / n;
    mean_h += h_of(score) / n;
    mean_y += score.score / n;
  }
  Moments out;
  out.n = n;
  for (const LengthScore& score : question) {
    const double x = x_of(score) - mean_x;
    const double h = h_of(score) - mean_h;
    const double y = score.score - mean_y;
    out.add({x * x, x * h, h * h, x * y, h * y, y * y, 0});
  }
  return out;
}

struct Fit {
  double slope, change, error;
};

/// Least squares of y on x and h; NaN where they go together.
Fit fit_of(const Moments& m) {
  const double determinant = m.xx * m.hh - m.xh * m.xh;
  const double slope = (m.xy * m.hh - m.hy * m.xh) / determinant;
  const double change = (m.hy * m.xx - m.xy * m.xh) / determinant;
  return {slope, change, m.yy - slope * m.xy - change * m.hy};
}

double bic(const Moments& m, double error, double n_parameters) {
  const double least = std::max(error, kNoError * m.yy);
  return m.n * std::log(least / m.n) + n_parameters * std::log(m.n);
}

/// Moments of every question for every break that may be.
class BreakModel {
 public:
  explicit BreakModel(std::span<const LengthScore> scores) {
    const std::vector<LengthMean> lengths = length_means(scores);
    const Questions questions = by_question(scores);
    n_questions_ = questions.size();
    if (lengths.size() < kFewestLengths) {
      return;
    }
    for (std::size_t i = 1; i + 1 < lengths.size(); ++i) {
      breaks_.push_back(lengths[i].tokens);
      for (const std::vector<LengthScore>& question : questions) {
        moments_.push_back(moments_of(question, breaks_.back()));
      }
    }
  }

  [[nodiscard]] std::size_t n_questions() const { return n_questions_; }

  /// The best break of these questions, if it is a cliff.
  [[nodiscard]] std::optional<ModelCliff> find(std::span<const std::uint32_t> samples) const {
    std::optional<ModelCliff> found;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t b = 0; b < breaks_.size(); ++b) {
      Moments sum;
      for (const std::uint32_t question : samples) {
        sum.add(moments_[b * n_questions_ + question]);
      }
      const Fit fit = fit_of(sum);
      if (fit.error < least) {
        least = fit.error;
        found = judge(breaks_[b], sum, fit);
      }
    }
    return found;
  }

 private:
  static std::optional<ModelCliff> judge(double at, const Moments& m, const Fit& fit) {
    const double straight = bic(m, m.yy - m.xy * m.xy / m.xx, 1);
    const double gain = straight - bic(m, fit.error, 3);
    const double behind = fit.slope + fit.change;
    if (!(gain > 0) || !(behind < 0) || !(behind < fit.slope)) {
      return std::nullopt;
    }
    return ModelCliff{at, fit.slope, behind, gain, kNaN, kNaN, 0.0};
  }

  std::vector<double> breaks_;
  std::vector<Moments> moments_;  ///< [breaks, questions]
  std::size_t n_questions_ = 0;
};

/// Of score(second) - score(first) over the questions that have both.
double paired_error(const Questions& questions, double first, double second) {
  std::vector<double> differences;
  for (const std::vector<LengthScore>& question : questions) {
    const auto at = [&question](double tokens) {
      return std::ranges::find(question, tokens, &LengthScore::tokens);
    };
    if (at(first) != question.end() && at(second) != question.end()) {
      differences.push_back(at(second)->score - at(first)->score);
    }
  }
  return eval::stats::mean_standard_error(differences);
}

}  // namespace

std::optional<ModelCliff> model_cliff(std::span<const LengthScore> scores,
                                      const eval::stats::ResampleOptions& options) {
  const BreakModel model(scores);
  std::size_t n_found = 0;
  std::optional<ModelCliff> result;
  const auto interval = eval::stats::bootstrap_interval(
      model.n_questions(),
      [&](std::span<const std::uint32_t> samples) {
        const std::optional<ModelCliff> found = model.find(samples);
        n_found += found ? 1U : 0U;
        if (!result) {
          result = found;  // the first call is that of all questions
        }
        return found ? found->tokens : kNaN;
      },
      options);
  if (std::isnan(interval.value)) {
    return std::nullopt;
  }
  result->low = interval.low;
  result->high = interval.high;
  result->share_found = static_cast<double>(n_found - 1) /
                        static_cast<double>(std::max<std::size_t>(options.n_replicates, 1));
  return result;
}

std::optional<RuleCliff> rule_cliff(std::span<const LengthScore> scores, double least_drop) {
  const std::vector<LengthMean> means = length_means(scores);
  const Questions questions = by_question(scores);
  for (std::size_t i = 1; i < means.size(); ++i) {
    const auto best = std::max_element(means.begin(),
                                       means.begin() + static_cast<std::ptrdiff_t>(i),
                                       [](auto& a, auto& b) { return a.score < b.score; });
    const double error = paired_error(questions, best->tokens, means[i].tokens);
    const double delta = std::max(least_drop, std::isnan(error) ? 0.0 : 2 * error);
    const auto is_below = [&](const LengthMean& mean) { return mean.score < best->score - delta; };
    if (std::all_of(means.begin() + static_cast<std::ptrdiff_t>(i), means.end(), is_below)) {
      return RuleCliff{means[i].tokens, best->score - means[i].score, delta};
    }
  }
  return std::nullopt;
}

}  // namespace nibble::rag
