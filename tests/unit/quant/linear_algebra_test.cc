#include "quant/linear_algebra.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;

std::vector<float> waves(std::size_t n, float step) {
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = std::sin(step * static_cast<float>(i % 8191));
  }
  return out;
}

TEST(LinearAlgebra, GramOfTwoTokens) {
  const std::vector<float> x = {1, 2, 3, 4};
  std::vector<double> sum(4, 0.0);
  ThreadPool pool(1);
  add_gram({x.data(), 2, 2}, {sum.data(), 2, 2}, pool);
  mirror_upper({sum.data(), 2, 2});
  EXPECT_THAT(sum, ElementsAre(10, 14, 14, 20));
}

/// The largest error of the upper triangle, as part of the root of the product of the energies.
double largest_gram_error(MatrixView<const float> x, const std::vector<double>& sum) {
  std::vector<double> exact(x.cols * x.cols, 0.0);
  for (std::size_t t = 0; t < x.rows; ++t) {
    for (std::size_t i = 0; i < x.cols; ++i) {
      for (std::size_t j = i; j < x.cols; ++j) {
        exact[i * x.cols + j] += static_cast<double>(x(t, i)) * static_cast<double>(x(t, j));
      }
    }
  }
  double largest = 0;
  for (std::size_t i = 0; i < x.cols; ++i) {
    for (std::size_t j = i; j < x.cols; ++j) {
      const std::size_t at = i * x.cols + j;
      const double energy = std::sqrt(exact[i * x.cols + i] * exact[j * x.cols + j]);
      largest = std::max(largest, std::fabs(sum[at] - exact[at]) / energy);
    }
  }
  return largest;
}

TEST(LinearAlgebra, GramOfManyTokensIsAsExactAsItsRuns) {
  constexpr std::size_t kTokens = 8192;
  constexpr std::size_t kCols = 40;
  const auto x = waves(kTokens * kCols, 0.37F);
  const MatrixView<const float> view(x.data(), kTokens, kCols);
  std::vector<double> sum(kCols * kCols, 0.0);
  ThreadPool pool(1);
  add_gram(view, {sum.data(), kCols, kCols}, pool);
  EXPECT_LT(largest_gram_error(view, sum), 1.5e-7);  // 2.5e-7 and more in float32 all the way
}

TEST(LinearAlgebra, GramKeepsSmallTokensBesideOnesWithNearlyAllTheEnergy) {
  // As in models whose first token of a window is a thousand times as large as the others.
  constexpr std::size_t kTokens = 8192;
  constexpr std::size_t kCols = 40;
  auto x = waves(kTokens * kCols, 0.37F);
  for (std::size_t t = 0; t < kTokens; t += 512) {
    for (std::size_t c = 0; c < kCols; ++c) {
      x[t * kCols + c] = 3000.0F * x[c] + x[t * kCols + c];
    }
  }
  const MatrixView<const float> view(x.data(), kTokens, kCols);
  std::vector<double> sum(kCols * kCols, 0.0);
  ThreadPool pool(1);
  add_gram(view, {sum.data(), kCols, kCols}, pool);
  EXPECT_LT(largest_gram_error(view, sum), 1.5e-7);  // 2.3e-7 in float32 all the way
  double energy = 0;
  for (std::size_t c = 0; c < kCols; ++c) {
    energy += sum[c * kCols + c] / kCols;
  }
  for (std::size_t c = 0; c < kCols; ++c) {
    sum[c * kCols + c] += 1e-5 * energy;  // a thousandth of what GPTQ adds
  }
  mirror_upper({sum.data(), kCols, kCols});
  EXPECT_TRUE(factor_inverse({sum.data(), kCols, kCols}));
}

TEST(LinearAlgebra, GramOverManyTilesEqualsTheSumInFloat64ForAnyNumberOfThreads) {
  constexpr std::size_t kTokens = 700;
  constexpr std::size_t kCols = 400;
  const auto x = waves(kTokens * (kCols + 3), 0.37F);
  const MatrixView<const float> view(x.data(), kTokens, kCols, kCols + 3);
  std::vector<double> one(kCols * kCols, 0.0);
  std::vector<double> three(kCols * kCols, 0.0);
  ThreadPool pool(1);
  ThreadPool more(3);
  add_gram(view, {one.data(), kCols, kCols}, pool);
  add_gram(view, {three.data(), kCols, kCols}, more);
  EXPECT_EQ(one, three);
  for (std::size_t i = 0; i < kCols; i += 37) {
    for (std::size_t j = i; j < kCols; j += 41) {
      double sum = 0;
      for (std::size_t t = 0; t < kTokens; ++t) {
        sum += static_cast<double>(view(t, i)) * static_cast<double>(view(t, j));
      }
      EXPECT_NEAR(one[i * kCols + j], sum, 2e-4) << i << ", " << j;
    }
  }
}

TEST(LinearAlgebra, CrossProductHasAllItsTiles) {
  constexpr std::size_t kTokens = 90;
  constexpr std::size_t kCols = 200;  // more than a tile
  const auto a = waves(kTokens * kCols, 0.37F);
  const auto b = waves(kTokens * kCols, 0.11F);
  std::vector<double> sum(kCols * kCols, 1.0);
  ThreadPool pool(2);
  add_cross(
      {a.data(), kTokens, kCols}, {b.data(), kTokens, kCols}, {sum.data(), kCols, kCols}, pool);
  for (std::size_t i = 0; i < kCols; i += 9) {
    for (std::size_t j = 0; j < kCols; j += 7) {
      double wanted = 1.0;
      for (std::size_t t = 0; t < kTokens; ++t) {
        wanted += static_cast<double>(a[t * kCols + i]) * static_cast<double>(b[t * kCols + j]);
      }
      EXPECT_NEAR(sum[i * kCols + j], wanted, 1e-5);
    }
  }
}

TEST(LinearAlgebra, ProductsMadeAtOnceEqualTheOneMadeAlone) {
  // Overlapping calls of an OpenBLAS without locks spoil a few of 100,000 of this shape.
  constexpr std::size_t kRows = 32;
  constexpr std::size_t kInner = 128;
  constexpr std::size_t kCols = 384;
  constexpr std::size_t kCalls = 20000;
  const auto a = waves(kRows * kInner, 0.31F);
  const auto b = waves(kInner * kCols, 0.17F);
  const auto product = [&] {
    std::vector<float> c(kRows * kCols, 1.0F);
    subtract_product(
        {a.data(), kRows, kInner}, {b.data(), kInner, kCols}, {c.data(), kRows, kCols});
    return c;
  };
  const auto alone = product();
  std::vector<char> is_equal(kCalls, 0);
  ThreadPool pool(8);
  pool.run(kCalls, [&](std::size_t task, std::size_t /*worker*/) {
    is_equal[task] = product() == alone ? 1 : 0;
  });
  EXPECT_EQ(std::accumulate(is_equal.begin(), is_equal.end(), 0U), kCalls);
}

TEST(LinearAlgebra, FactorOfAnInverseWorkedByHand) {
  // H of docs/methods.md's worked example, 0.025 added to the diagonal.
  std::vector<double> a = {
      4.025, 1, 0.5, 0, 1, 3.025, 1, 0.2, 0.5, 1, 2.025, 0.4, 0, 0.2, 0.4, 1.025};
  ASSERT_TRUE(factor_inverse({a.data(), 4, 4}));
  const double wanted[] = {0.522208,
                           -0.155423,
                           -0.063038,
                           0.054927,
                           0,
                           0.628550,
                           -0.310071,
                           -0.001641,
                           0,
                           0,
                           0.731487,
                           -0.285458,
                           0,
                           0,
                           0,
                           0.987730};
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(a[i], wanted[i], 1e-6) << i;
  }
}

TEST(LinearAlgebra, FactorUndoesTheMatrix) {
  constexpr std::size_t kN = 257;
  std::vector<double> a(kN * kN);
  for (std::size_t r = 0; r < kN; ++r) {
    for (std::size_t c = 0; c < kN; ++c) {
      a[r * kN + c] = std::exp(-0.2 * std::fabs(static_cast<double>(r) - static_cast<double>(c)));
    }
  }
  std::vector<double> u = a;
  ASSERT_TRUE(factor_inverse({u.data(), kN, kN}));
  // x = U^T (U (A e)) must be e.
  std::vector<double> y(kN);
  std::vector<double> x(kN);
  for (std::size_t r = 0; r < kN; ++r) {
    for (std::size_t c = 0; c < kN; ++c) {
      y[r] += u[r * kN + c] * a[c * kN + 5];
    }
  }
  for (std::size_t r = 0; r < kN; ++r) {
    for (std::size_t c = 0; c < kN; ++c) {
      x[c] += u[r * kN + c] * y[r];
    }
  }
  for (std::size_t k = 0; k < kN; ++k) {
    EXPECT_NEAR(x[k], k == 5 ? 1.0 : 0.0, 1e-12);
  }
}

TEST(LinearAlgebra, AMatrixThatIsNotPositiveDefiniteHasNoFactor) {
  std::vector<double> a = {1, 2, 2, 1};
  EXPECT_FALSE(factor_inverse({a.data(), 2, 2}));
  EXPECT_TRUE(factor_inverse({a.data(), 0, 0}));
}

TEST(LinearAlgebra, SubtractsAProductOfViews) {
  const std::vector<float> a = {1, 2, 9, 3, 4, 9};
  const std::vector<float> b = {1, 0, 2, 1, 1, 1};
  std::vector<float> c = {10, 10, 10, 10, 10, 10};
  subtract_product({a.data(), 2, 2, 3}, {b.data(), 2, 3}, {c.data(), 2, 3});
  EXPECT_THAT(c, ElementsAre(7, 8, 6, 3, 6, 0));
}

TEST(LinearAlgebra, WeightedSquareOfTwoRows) {
  const std::vector<float> d = {1, 2, 0, -1};
  const std::vector<float> h = {2, 1, 1, 3};
  ThreadPool pool(1);
  EXPECT_DOUBLE_EQ(weighted_square({d.data(), 2, 2}, {h.data(), 2, 2}, pool), 18.0 + 3.0);
}

}  // namespace
}  // namespace nibble::quant
