#include "ops/elementwise.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace nibble::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

TEST(RmsNorm, DividesByTheRootMeanSquare) {
  ThreadPool pool(2);
  const std::vector<float> x = {3, 4, 0, 0, 1, 1, 1, 1};
  const std::vector<float> weight = {1, 2, 3, 4};
  std::vector<float> y(8);
  rms_norm({x.data(), 2, 4}, weight, 0.0F, {y.data(), 2, 4}, pool);
  const std::vector<float> wanted = {1.2F, 3.2F, 0, 0, 1, 2, 3, 4};  // rms of the first row is 2.5
  EXPECT_THAT(y, Pointwise(FloatNear(1e-6F), wanted));
}

TEST(RmsNorm, AddsEpsilonUnderTheRoot) {
  ThreadPool pool(1);
  std::vector<float> x = {0, 0};
  const std::vector<float> weight = {1, 1};
  rms_norm({x.data(), 1, 2}, weight, 1e-5F, {x.data(), 1, 2}, pool);
  EXPECT_THAT(x, ElementsAre(0, 0));
}

TEST(Add, AddsRowsOfAStridedView) {
  ThreadPool pool(1);
  const std::vector<float> x = {1, 2, 3, 4};
  std::vector<float> y = {10, 20, -1, 30, 40, -1};
  add_in_place({x.data(), 2, 2}, {y.data(), 2, 2, 3}, pool);
  EXPECT_THAT(y, ElementsAre(11, 22, -1, 33, 44, -1));
}

TEST(Gate, AgreesWithTheFormulas) {
  ThreadPool pool(2);
  for (const GateActivation activation : {GateActivation::kSilu, GateActivation::kGeluTanh}) {
    std::vector<float> gate;
    std::vector<float> up;
    for (int i = -200; i <= 200; ++i) {
      gate.push_back(static_cast<float>(i) * 0.1F);
      up.push_back(1.5F);
    }
    const std::vector<float> before = gate;
    gate_in_place(activation, {gate.data(), 1, gate.size()}, {up.data(), 1, up.size()}, pool);
    for (std::size_t i = 0; i < gate.size(); ++i) {
      const double g = before[i];
      const double cubic = std::sqrt(2.0 / 3.14159265358979) * (g + 0.044715 * g * g * g);
      const double silu = g / (1.0 + std::exp(-g));
      const double gelu = 0.5 * g * (1.0 + std::tanh(cubic));
      const double wanted = 1.5 * (activation == GateActivation::kSilu ? silu : gelu);
      EXPECT_NEAR(gate[i], wanted, 1e-6 * (std::fabs(g) + 0.01)) << "at " << g;
    }
  }
}

TEST(Argmax, FirstWins) {
  std::vector<float> x(100, 1.0F);
  EXPECT_EQ(argmax(x), 0);
  x[37] = x[90] = 2.0F;
  EXPECT_EQ(argmax(x), 37);
}

TEST(Elementwise, RefusesShapesThatDisagree) {
  ThreadPool pool(1);
  std::vector<float> x(6);
  const MatrixView<float> two_by_three(x.data(), 2, 3);
  const MatrixView<float> three_by_two(x.data(), 3, 2);
  EXPECT_THROW(add_in_place(two_by_three, three_by_two, pool), Error);
  EXPECT_THROW(gate_in_place(GateActivation::kSilu, two_by_three, three_by_two, pool), Error);
  EXPECT_THROW(rms_norm(two_by_three, std::span(x).first(2), 0.0F, two_by_three, pool), Error);
}

}  // namespace
}  // namespace nibble::ops
