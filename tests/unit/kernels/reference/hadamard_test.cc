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

TEST(ReferenceHadamard, TheInverseGivesEverythingBack) {
  for (const std::size_t n : {12U, 64U, 576U}) {
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = std::sin(static_cast<double>(i * i));
    }
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
