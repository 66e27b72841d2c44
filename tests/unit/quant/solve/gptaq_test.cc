#include "quant/solve/gptaq.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "quant/linear_algebra.h"

namespace nibble::quant {
namespace {

using Square = std::vector<double>;

/// b inverse(a) for one row b, by elimination with pivots.
std::vector<double> divide(std::vector<double> b, Square a) {
  const std::size_t n = b.size();
  // a is symmetric, so the row is the solution of a y = b.
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t r = k; r < n; ++r) {
      pivot = std::fabs(a[r * n + k]) > std::fabs(a[pivot * n + k]) ? r : pivot;
    }
    for (std::size_t c = 0; c < n; ++c) {
      std::swap(a[k * n + c], a[pivot * n + c]);
    }
    std::swap(b[k], b[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      const double factor = r == k ? 0 : a[r * n + k] / a[k * n + k];
      for (std::size_t c = 0; c < n; ++c) {
        a[r * n + c] -= factor * a[k * n + c];
      }
      b[r] -= factor * b[k];
    }
  }
  for (std::size_t k = 0; k < n; ++k) {
    b[k] /= a[k * n + k];
  }
  return b;
}

/// Each row by the definition: alpha D[i, F] inverse(H[F, F]) for the inputs F behind i.
TEST(AsymmetryMoves, AreTheLeastSquaresOfTheFreeInputs) {
  constexpr std::size_t kN = 21;
  constexpr std::size_t kTokens = 90;
  std::mt19937 rng(5);
  std::normal_distribution<double> normal;
  Square x(kTokens * kN);
  std::ranges::generate(x, [&] { return normal(rng); });
  Square h(kN * kN);
  Square cross(kN * kN);
  for (std::size_t i = 0; i < kN; ++i) {
    for (std::size_t j = 0; j < kN; ++j) {
      for (std::size_t t = 0; t < kTokens; ++t) {
        h[i * kN + j] += x[t * kN + i] * x[t * kN + j];
        cross[i * kN + j] += std::sin(x[t * kN + i]) * x[t * kN + j];
      }
    }
  }
  std::vector<std::uint32_t> order(kN);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::shuffle(order, rng);
  Square u(kN * kN);
  for (std::size_t p = 0; p < kN; ++p) {
    for (std::size_t q = 0; q < kN; ++q) {
      u[p * kN + q] = h[order[p] * kN + order[q]];
    }
  }
  const Square ordered = u;
  ASSERT_TRUE(factor_inverse({u.data(), kN, kN}));
  const std::vector<float> factor(u.begin(), u.end());
  ThreadPool pool(2);
  const auto moves =
      asymmetry_moves({cross.data(), kN, kN}, order, {factor.data(), kN, kN}, 0.5, pool);
  for (std::size_t p = 0; p < kN; ++p) {
    const std::size_t n = kN - p - 1;
    std::vector<double> row(n);
    Square free(n * n);
    for (std::size_t a = 0; a < n; ++a) {
      row[a] = 0.5 * cross[order[p] * kN + order[p + 1 + a]];
      for (std::size_t b = 0; b < n; ++b) {
        free[a * n + b] = ordered[(p + 1 + a) * kN + p + 1 + b];
      }
    }
    const auto wanted = divide(row, free);
    for (std::size_t q = 0; q <= p; ++q) {
      EXPECT_EQ(moves[p * kN + q], 0.0F);
    }
    for (std::size_t a = 0; a < n; ++a) {
      EXPECT_NEAR(static_cast<double>(moves[p * kN + p + 1 + a]), wanted[a], 2e-5);
    }
  }
}

}  // namespace
}  // namespace nibble::quant
