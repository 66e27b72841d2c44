#include "kernels/dot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/reference/dot.h"

namespace nibble::kernels {
namespace {

TEST(Dot, OfAllSetsIsThatOfThePlainLoop) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const std::size_t n :
       {1U, 2U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 64U, 65U, 100U, 384U, 1537U}) {
    std::vector<float> x(n), y(n);
    double size = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = normal(random);
      y[i] = normal(random);
      size += std::abs(double{x[i]} * double{y[i]});
    }
    for (const KernelSet& set : usable_kernel_sets()) {
      EXPECT_NEAR(
          dot_of(set)(x.data(), y.data(), n), reference::dot(x.data(), y.data(), n), 1e-6 * size)
          << set.name << " of " << n;
    }
  }
}

}  // namespace
}  // namespace nibble::kernels
