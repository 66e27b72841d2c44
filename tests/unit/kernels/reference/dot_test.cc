#include "kernels/reference/dot.h"

#include <gtest/gtest.h>

namespace nibble::kernels::reference {
namespace {

TEST(ReferenceDot, SumsProducts) {
  const float x[3] = {1, 7, -2};
  const float y[3] = {2, 8, 3};
  EXPECT_EQ(dot(x, y, 3), 2 + 56 - 6);
  EXPECT_EQ(dot(x, y, 0), 0);
}

}  // namespace
}  // namespace nibble::kernels::reference
