#include "rag/attention/degradation.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/nan.h"
#include "eval/stats/correlation.h"
#include "eval/stats/random.h"

namespace nibble::rag {
namespace {

using eval::Contribution;
using eval::stats::Random;
using Questions = std::vector<std::vector<LengthScore>>;

constexpr std::size_t kFewestBins = 4;
/// Slopes of permutations that equal the observed one but for rounding count as equal.
constexpr double kSame = 1e-12;

double thousands(const LengthScore& score) {
  return score.tokens / 1000.0;
}

/// One question, centred on its means.
struct Centred {
  std::vector<double> x, y;

  explicit Centred(std::span<const LengthScore> scores) {
    double mean_x = 0.0;
    double mean_y = 0.0;
    const auto n = static_cast<double>(scores.size());
    for (const LengthScore& score : scores) {
      mean_x += thousands(score) / n;
      mean_y += score.score / n;
    }
    for (const LengthScore& score : scores) {
      x.push_back(thousands(score) - mean_x);
      y.push_back(score.score - mean_y);
    }
  }

  [[nodiscard]] double product() const {
    double sum = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      sum += x[i] * y[i];
    }
    return sum;
  }
  [[nodiscard]] double x_square() const { return square(x); }
  [[nodiscard]] double y_square() const { return square(y); }

 private:
  static double square(const std::vector<double>& values) {
    double sum = 0.0;
    for (const double value : values) {
      sum += value * value;
    }
    return sum;
  }
};

double permutation_p(std::vector<Centred> questions, const eval::stats::ResampleOptions& options) {
  double observed = 0.0;
  for (const Centred& question : questions) {
    observed += question.product();
  }
  Random random(options.seed);
  std::size_t n_extreme = 0;
  for (std::size_t i = 0; i < options.n_replicates; ++i) {
    double sum = 0.0;
    for (Centred& question : questions) {
      eval::stats::shuffle(question.x, random);
      sum += question.product();
    }
    n_extreme += std::abs(sum) >= std::abs(observed) * (1 - kSame) ? 1U : 0U;
  }
  return static_cast<double>(1 + n_extreme) / static_cast<double>(1 + options.n_replicates);
}

void set_r2_of_bins(Degradation& result) {
  if (result.means.size() < kFewestBins) {
    return;
  }
  std::vector<double> x;
  std::vector<double> y;
  for (const LengthMean& mean : result.means) {
    x.push_back(mean.tokens);
    y.push_back(mean.score);
  }
  const double r = eval::stats::pearson_r(x, y);
  const auto k = static_cast<double>(x.size());
  result.r2_bins = r * r;
  result.r2_bins_adjusted = 1 - (1 - r * r) * (k - 1) / (k - 2);
}

}  // namespace

std::vector<LengthMean> length_means(std::span<const LengthScore> scores) {
  std::map<double, LengthMean> means;
  for (const LengthScore& score : scores) {
    LengthMean& mean = means[score.tokens];
    mean.tokens = score.tokens;
    mean.score += score.score;
    ++mean.n;
  }
  std::vector<LengthMean> out;
  for (auto& [tokens, mean] : means) {
    mean.score /= static_cast<double>(mean.n);
    out.push_back(mean);
  }
  return out;
}

Questions by_question(std::span<const LengthScore> scores) {
  std::map<std::size_t, std::vector<LengthScore>> questions;
  for (const LengthScore& score : scores) {
    questions[score.question].push_back(score);
  }
  Questions out;
  for (auto& [number, of_question] : questions) {
    std::ranges::sort(of_question, {}, &LengthScore::tokens);
    const auto twice =
        std::ranges::adjacent_find(of_question, std::ranges::equal_to{}, &LengthScore::tokens);
    if (twice != of_question.end()) {
      raise(ErrorCode::kInvalidArgument,
            "question {} has two scores at {} tokens",
            number,
            twice->tokens);
    }
    out.push_back(std::move(of_question));
  }
  return out;
}

Degradation degradation(std::span<const LengthScore> scores,
                        const eval::stats::ResampleOptions& options) {
  std::vector<Centred> questions;
  std::vector<Contribution> parts;
  double y_square = 0.0;
  double product = 0.0;
  for (const std::vector<LengthScore>& of_question : by_question(scores)) {
    const Centred centred(of_question);
    if (centred.x_square() > 0.0) {
      parts.push_back({centred.product(), centred.x_square()});
      product += centred.product();
      y_square += centred.y_square();
      questions.push_back(centred);
    }
  }
  Degradation result{{kNaN, kNaN, kNaN, 0}, kNaN, kNaN, {}, {}, length_means(scores)};
  set_r2_of_bins(result);
  if (parts.empty()) {
    return result;
  }
  result.slope = eval::stats::ratio_interval(parts, eval::Transform::kIdentity, options);
  result.p_value = permutation_p(std::move(questions), options);
  result.r2_examples = y_square > 0.0 ? result.slope.value * product / y_square : kNaN;
  return result;
}

}  // namespace nibble::rag
