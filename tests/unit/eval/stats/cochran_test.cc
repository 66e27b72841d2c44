#include "eval/stats/cochran.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace nibble::eval::stats {
namespace {

TEST(Cochran, HandWorked) {
  // G = 5, 4, 2; L = 2, 1, 3, 1, 2, 2, 0: Q = 2 (3 * 45 - 121) / (33 - 23) = 2.8, p = exp(-1.4).
  const std::vector<double> scores = {1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1,
                                      0, 1, 1, 0, 1, 0, 1, 0, 0, 0};
  const CochranTest got = cochran_q(scores, 3);
  EXPECT_NEAR(got.q, 2.8, 1e-14);
  EXPECT_NEAR(got.p_value, std::exp(-1.4), 1e-13);
}

TEST(Cochran, HasNoValueWhereNoQuestionChanges) {
  EXPECT_TRUE(std::isnan(cochran_q(std::vector<double>{1, 1, 0, 0}, 2).q));
  EXPECT_TRUE(std::isnan(cochran_q({}, 3).q));
}

TEST(Cochran, RefusesWhatIsNotRightOrWrong) {
  EXPECT_THROW(cochran_q(std::vector<double>{1, 0.5}, 2), Error);
  EXPECT_THROW(cochran_q(std::vector<double>{1, 0, 1}, 2), Error);
}

}  // namespace
}  // namespace nibble::eval::stats
