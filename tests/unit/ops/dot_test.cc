#include "ops/dot.h"

#include <gtest/gtest.h>

namespace nibble::ops {
namespace {

TEST(Dot, IsTheSumOfProducts) {
  const float x[5] = {1, 2, 3, 4, 5};
  const float y[5] = {1, 0, -1, 0.5F, 2};
  EXPECT_EQ(dot_function()(x, y, 5), 10.0F);
  EXPECT_EQ(dot_function()(x, y, 0), 0.0F);
}

}  // namespace
}  // namespace nibble::ops
