#include "eval/metrics/pass_at_k.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::eval {
namespace {

TEST(PassAtK, CountsTheSubsetsWithoutARightOne) {
  EXPECT_DOUBLE_EQ(pass_at_k(1, 1, 1), 1);
  EXPECT_DOUBLE_EQ(pass_at_k(1, 0, 1), 0);
  EXPECT_DOUBLE_EQ(pass_at_k(10, 3, 1), 0.3);
  EXPECT_NEAR(pass_at_k(5, 2, 2), 1 - 3.0 / 10, 1e-15);     // C(3, 2) / C(5, 2)
  EXPECT_NEAR(pass_at_k(10, 3, 5), 1 - 21.0 / 252, 1e-15);  // C(7, 5) / C(10, 5)
  EXPECT_DOUBLE_EQ(pass_at_k(10, 6, 5), 1);                 // any five hold a right one
}

TEST(PassAtK, IsTheMeanOverAllSubsets) {
  // Every subset of k among n samples, of which the first c are right.
  for (std::size_t n = 1; n <= 8; ++n) {
    for (std::size_t c = 0; c <= n; ++c) {
      for (std::size_t k = 1; k <= n; ++k) {
        double n_subsets = 0;
        double n_passed = 0;
        for (unsigned subset = 0; subset < (1U << n); ++subset) {
          if (static_cast<std::size_t>(__builtin_popcount(subset)) == k) {
            n_subsets += 1;
            n_passed += (subset & ((1U << c) - 1)) != 0 ? 1 : 0;
          }
        }
        EXPECT_NEAR(pass_at_k(n, c, k), n_passed / n_subsets, 1e-12) << n << " " << c << " " << k;
      }
    }
  }
}

TEST(PassAtK, RefusesMoreThanThereAre) {
  EXPECT_THROW((void)pass_at_k(3, 1, 4), Error);
  EXPECT_THROW((void)pass_at_k(3, 1, 0), Error);
  EXPECT_THROW((void)pass_at_k(3, 4, 1), Error);
}

}  // namespace
}  // namespace nibble::eval
