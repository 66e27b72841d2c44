#include "kernels/reference/hadamard.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "support/quant_golden.h"

namespace nibble::kernels::reference {
namespace {

using nibble::testing::GoldenTensors;
using nibble::testing::quant_golden;
using ::testing::ElementsAre;

TEST(ReferenceHadamard, FourByHand) {
  std::vector<double> x = {1, 2, 3, 5};
  hadamard(*exact_hadamard(4), x.data());
  EXPECT_THAT(x, ElementsAre(5.5, -1.5, -2.5, 0.5));
}

std::vector<double> some_values(std::size_t n) {
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = std::sin(static_cast<double>(i * i));
  }
  return out;
}

TEST(ReferenceHadamard, AcrossRunsOfTwoByHand) {
  std::vector<double> x = {1, 2, 3, 5};
  hadamard(hadamard_across(4, 2), x.data());
  const double root = std::sqrt(2.0);
  EXPECT_THAT(x,
              ::testing::Pointwise(::testing::DoubleNear(1e-15),
                                   {4 / root, 7 / root, -2 / root, -3 / root}));
}

TEST(ReferenceHadamard, WithinRunsAndAcrossThemIsTheWhole) {
  for (const auto& [n, width] :
       {std::pair(64U, 8U), std::pair(576U, 64U), std::pair(3072U, 96U), std::pair(3584U, 128U)}) {
    const Hadamard across = hadamard_across(n, width);
    const Hadamard within = hadamard_for(across.run);
    const std::vector<double> x = some_values(n);
    std::vector<double> wanted = x;
    hadamard(*exact_hadamard(n), wanted.data());
    std::vector<double> y = x;
    for (std::size_t first = 0; first < n; first += within.n) {
      hadamard(within, &y[first]);
    }
    EXPECT_GT(std::fabs(y[1] - wanted[1]), 1e-3);
    hadamard(across, y.data());
    EXPECT_THAT(y, ::testing::Pointwise(::testing::DoubleNear(1e-12), wanted)) << n;
    inverse_hadamard(across, y.data());
    for (std::size_t first = 0; first < n; first += within.n) {
      inverse_hadamard(within, &y[first]);
    }
    EXPECT_THAT(y, ::testing::Pointwise(::testing::DoubleNear(1e-12), x)) << n;
  }
}

TEST(ReferenceHadamard, TheInverseGivesEverythingBack) {
  for (const std::size_t n : {12U, 64U, 576U}) {
    const std::vector<double> x = some_values(n);
    auto y = x;
    hadamard(*exact_hadamard(n), y.data());
    EXPECT_GT(std::fabs(x[3] - y[3]), 1e-3);
    inverse_hadamard(*exact_hadamard(n), y.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_NEAR(y[i], x[i], 1e-12) << i << " of " << n;
    }
  }
}

TEST(ReferenceHadamard, GivesWhatTheReferenceGives) {
  NIBBLE_NEEDS_FILE(path, quant_golden("hadamard.safetensors"));
  const GoldenTensors golden(path);
  for (const std::size_t n : {64U, 192U, 576U, 1536U}) {
    const auto& x = golden.at(std::to_string(n) + ".x");
    const auto& wanted = golden.at(std::to_string(n) + ".y").doubles;
    double top = 0;
    for (const double y : wanted) {
      top = std::max(top, std::fabs(y));
    }
    // The reference takes the root of n in float32, exact for 64 and 576.
    const double tolerance = n == 64 || n == 576 ? 1e-12 : 2e-7;
    for (std::size_t r = 0; r < x.rows(); ++r) {
      std::vector<double> row(x.doubles.begin() + static_cast<std::ptrdiff_t>(r * n),
                              x.doubles.begin() + static_cast<std::ptrdiff_t>((r + 1) * n));
      hadamard(*exact_hadamard(n), row.data());
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(row[i], wanted[r * n + i], tolerance * top) << n << ": " << r << ", " << i;
      }
    }
  }
}

}  // namespace
}  // namespace nibble::kernels::reference
