#include "kernels/reference/linear.h"

#include <gmock/gmock.h>

#include <vector>

namespace nibble::kernels::reference {
namespace {

TEST(ReferenceLinear, HandWorked) {
  const std::vector<float> w = {1, 2, 3, 4, 5, 6};
  const std::vector<float> x = {1, 0, -1, 2, 1, 0};
  std::vector<float> y(4);
  linear({w.data(), 2, 3}, {x.data(), 2, 3}, {y.data(), 2, 2});
  EXPECT_THAT(y, ::testing::ElementsAre(-2, -2, 4, 13));
}

TEST(ReferenceLinear, SumsInDoublePrecision) {
  const std::vector<float> w = {1e8F, 1.0F, -1e8F};
  const std::vector<float> x = {1, 1, 1};
  float y = 0;
  linear({w.data(), 1, 3}, {x.data(), 1, 3}, {&y, 1, 1});
  EXPECT_EQ(y, 1.0F);
}

}  // namespace
}  // namespace nibble::kernels::reference
