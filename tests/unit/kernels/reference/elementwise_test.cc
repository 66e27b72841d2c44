#include "kernels/reference/elementwise.h"

#include <gmock/gmock.h>

#include <cmath>

namespace nibble::kernels::reference {
namespace {

using ::testing::ElementsAre;

TEST(ReferenceElementwise, RmsNormHandWorked) {
  const float x[2] = {3, -4};
  const float weight[2] = {2, 1};
  float y[2];
  kElementwise.rms_norm(x, weight, 12.5F, y, 2);  // sqrt(12.5 + 12.5) = 5
  EXPECT_THAT(y, ElementsAre(1.2F, -0.8F));
}

TEST(ReferenceElementwise, LayerNormHandWorked) {
  const float x[2] = {3, -1};  // mean 1, variance 4
  const float weight[2] = {2, 10};
  const float bias[2] = {0.5F, 1};
  float y[2];
  kElementwise.layer_norm(x, weight, bias, 12.0F, y, 2);  // sqrt(4 + 12) = 4
  EXPECT_THAT(y, ElementsAre(1.5F, -4.0F));
}

TEST(ReferenceElementwise, GeluHandWorked) {
  float x[3] = {0.0F, 1.0F, -1.0F};
  kElementwise.gelu(x, 3);
  EXPECT_EQ(x[0], 0.0F);
  EXPECT_NEAR(x[1], 0.841344746068543, 1e-7);
  EXPECT_NEAR(x[2], -0.158655253931457, 1e-7);
}

TEST(ReferenceElementwise, GatesHandWorked) {
  float silu[2] = {0.0F, 1.0F};
  float gelu[2] = {0.0F, 1.0F};
  const float up[2] = {5.0F, 2.0F};
  kElementwise.gate_silu(silu, up, 2);
  kElementwise.gate_gelu(gelu, up, 2);
  EXPECT_EQ(silu[0], 0.0F);
  EXPECT_NEAR(silu[1], 2.0 * 0.731058578630005, 1e-7);
  EXPECT_EQ(gelu[0], 0.0F);
  EXPECT_NEAR(gelu[1], 2.0 * 0.841191990607, 2e-7);
}

TEST(ReferenceElementwise, RotatesByARightAngle) {
  float a = 2, b = 3;
  const float cosine = 0, sine = 1;
  kElementwise.rotate(&a, &b, &cosine, &sine, 1);
  EXPECT_EQ(a, -3.0F);
  EXPECT_EQ(b, 2.0F);
}

TEST(ReferenceElementwise, AddsAndFindsTheLargest) {
  const float x[3] = {1, 7, 7};
  float y[3] = {1, 1, 1};
  kElementwise.add(x, y, 3);
  EXPECT_THAT(y, ElementsAre(2, 8, 8));
  EXPECT_EQ(kElementwise.argmax(y, 3), 1U);
  EXPECT_NEAR(kElementwise.log_sum_exp(x, 3), 7.0 + std::log(2.0 + std::exp(-6.0)), 1e-12);
}

}  // namespace
}  // namespace nibble::kernels::reference
