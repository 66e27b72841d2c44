#include "eval/stats/tails.h"

#include <cmath>
#include <numbers>

#include "base/nan.h"

namespace nibble::eval::stats {
namespace {

constexpr double kTiny = 1e-300;
constexpr double kEnough = 1e-16;
constexpr int kMostTerms = 10'000;

double away_from_zero(double x) {
  return std::abs(x) < kTiny ? kTiny : x;
}

/// A continued fraction b0 + a1 / (b1 + a2 / (b2 + ...)), a term at a time.
class Fraction {
 public:
  explicit Fraction(double b0) : value_(away_from_zero(b0)), c_(value_) {}

  /// False once another term changes nothing.
  bool add(double a, double b) {
    d_ = 1.0 / away_from_zero(b + a * d_);
    c_ = away_from_zero(b + a / c_);
    value_ *= c_ * d_;
    return std::abs(c_ * d_ - 1.0) > kEnough;
  }
  [[nodiscard]] double value() const { return value_; }

 private:
  double value_, c_, d_ = 0.0;
};

/// The continued fraction of the incomplete beta function, for x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  Fraction fraction(1.0);
  for (int i = 1; i < kMostTerms; ++i) {
    const auto m = static_cast<double>(i / 2);
    const double step = i % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                   : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    if (!fraction.add(step, 1.0)) {
      break;
    }
  }
  return 1.0 / fraction.value();
}

/// Regularized: from 0 at x = 0 to 1 at x = 1; `rest` is 1 - x, given apart because it may be tiny.
double incomplete_beta(double a, double b, double x, double rest) {
  if (x <= 0.0 || rest <= 0.0) {
    return x <= 0.0 ? 0.0 : 1.0;
  }
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log(rest));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                   : 1.0 - front * beta_fraction(b, a, rest) / b;
}

/// Lower part of the regularized incomplete gamma function by its series, for x < a + 1.
double gamma_series(double a, double x) {
  double term = 1.0 / a;
  double sum = term;
  for (int i = 1; i < kMostTerms && term > sum * kEnough; ++i) {
    term *= x / (a + i);
    sum += term;
  }
  return sum;
}

/// Upper part by its continued fraction, for x >= a + 1.
double gamma_fraction(double a, double x) {
  Fraction fraction(x + 1.0 - a);
  for (int i = 1; i < kMostTerms; ++i) {
    if (!fraction.add(-i * (i - a), x + 1.0 - a + 2.0 * i)) {
      break;
    }
  }
  return 1.0 / fraction.value();
}

}  // namespace

double normal_two_sided(double z) noexcept {
  return std::erfc(std::abs(z) / std::numbers::sqrt2);
}

double student_two_sided(double t, double freedom) noexcept {
  if (std::isnan(t) || !(freedom > 0.0)) {
    return kNaN;
  }
  if (std::isinf(t)) {
    return 0.0;
  }
  const double whole = freedom + t * t;
  return incomplete_beta(freedom / 2, 0.5, freedom / whole, t * t / whole);
}

double chi_squared_upper(double x, double freedom) noexcept {
  if (std::isnan(x) || !(freedom > 0.0)) {
    return kNaN;
  }
  if (x <= 0.0) {
    return 1.0;
  }
  const double a = freedom / 2;
  const double half = x / 2;
  const double front = std::exp(a * std::log(half) - half - std::lgamma(a));
  return half < a + 1 ? 1.0 - front * gamma_series(a, half) : front * gamma_fraction(a, half);
}

}  // namespace nibble::eval::stats
