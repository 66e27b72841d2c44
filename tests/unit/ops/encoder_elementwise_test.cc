#include "ops/encoder_elementwise.h"

#include <gmock/gmock.h>

#include <vector>

#include "base/error.h"

namespace nibble::ops {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

TEST(LayerNorm, TakesMeanAndVarianceOfEachRow) {
  ThreadPool pool(2);
  const std::vector<float> x = {3, -1, 5, 5};
  const std::vector<float> weight = {2, 10};
  const std::vector<float> bias = {0.5F, 1};
  std::vector<float> y(4);
  layer_norm({x.data(), 2, 2}, weight, bias, 12.0F, {y.data(), 2, 2}, pool);
  EXPECT_THAT(y, Pointwise(FloatNear(1e-6F), std::vector<float>{1.5F, -4.0F, 0.5F, 1.0F}));
}

TEST(LayerNorm, RefusesShapesThatDisagree) {
  ThreadPool pool(1);
  std::vector<float> x(6);
  const MatrixView<float> view(x.data(), 2, 3);
  const std::span<const float> three = std::span(x).first(3);
  const std::span<const float> two = std::span(x).first(2);
  EXPECT_THROW(layer_norm(view, three, two, 0.0F, view, pool), Error);
  EXPECT_THROW(layer_norm(view, two, three, 0.0F, view, pool), Error);
  EXPECT_THROW(layer_norm(view, three, three, 0.0F, {x.data(), 3, 2}, pool), Error);
}

TEST(Gelu, UsesTheErrorFunctionOnEveryRow) {
  ThreadPool pool(2);
  std::vector<float> x = {-1, 0, -9, 1, 3, -9};
  gelu_in_place({x.data(), 2, 2, 3}, pool);
  const std::vector<float> wanted = {-0.1586553F, 0, -9, 0.8413447F, 2.9959503F, -9};
  EXPECT_THAT(x, Pointwise(FloatNear(1e-6F), wanted));
}

}  // namespace
}  // namespace nibble::ops
