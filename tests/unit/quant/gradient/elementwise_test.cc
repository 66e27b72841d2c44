#include "quant/gradient/elementwise.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "quant/gradient/exponential.h"

namespace nibble::quant {
namespace {

using ::testing::Pointwise;

constexpr std::size_t kRows = 3;
constexpr std::size_t kCols = 8;
constexpr double kStep = 1e-6;

std::vector<double> random_values(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> out(kRows * kCols);
  std::ranges::generate(out, [&] { return normal(random); });
  return out;
}

MatrixView<double> matrix(std::vector<double>& values) {
  return {values.data(), kRows, kCols};
}

/// The gradient of sum(c * f(x)) for x by central differences.
template <class F>
std::vector<double> by_differences(std::vector<double> x, const std::vector<double>& c, F f) {
  std::vector<double> out;
  for (double& element : x) {
    const double before = element;
    double difference = 0;
    for (const double sign : {1.0, -1.0}) {
      element = before + sign * kStep;
      const std::vector<double> y = f(x);
      for (std::size_t i = 0; i < y.size(); ++i) {
        difference += sign * c[i] * y[i];
      }
    }
    element = before;
    out.push_back(difference / (2 * kStep));
  }
  return out;
}

TEST(Exponential, IsThatOfTheLibrary) {
  for (float x = -87.0F; x <= 88.0F; x += 0.00371F) {
    const double wanted = std::exp(static_cast<double>(x));
    ASSERT_NEAR(static_cast<double>(exponential(x)) / wanted, 1.0, 2.5e-7) << x;
  }
  EXPECT_EQ(exponential(0.0F), 1.0F);
  EXPECT_LT(exponential(-1e30F), 1e-37F);
  EXPECT_TRUE(std::isfinite(exponential(1e30F)));
}

TEST(Norm, HasTheGradientOfDifferences) {
  ThreadPool pool(2);
  auto x = random_values(1);
  auto c = random_values(2);
  const auto g = random_values(3);
  const std::span<const double> weight(g.data(), kCols);
  const auto wanted = by_differences(x, c, [&](std::vector<double> at) {
    std::vector<double> y(at.size());
    norm_forward<double>(matrix(at), weight, 1e-5, matrix(y), pool);
    return y;
  });
  norm_backward<double>(matrix(x), weight, 1e-5, matrix(c), pool);
  EXPECT_THAT(c, Pointwise(::testing::DoubleNear(1e-8), wanted));
}

TEST(Norm, OfAKnownRow) {
  ThreadPool pool(1);
  const std::vector<float> x = {3.0F, 4.0F};  // mean of squares 12.5
  const std::vector<float> g = {2.0F, 1.0F};
  std::vector<float> y(2);
  norm_forward<float>(MatrixView<const float>(x.data(), 1, 2), g, 0.0F, {y.data(), 1, 2}, pool);
  EXPECT_FLOAT_EQ(y[0], 6.0F / std::sqrt(12.5F));
  EXPECT_FLOAT_EQ(y[1], 4.0F / std::sqrt(12.5F));
}

class Gate : public ::testing::TestWithParam<ops::GateActivation> {};

TEST_P(Gate, HasTheGradientOfDifferences) {
  ThreadPool pool(2);
  auto a = random_values(1);
  auto u = random_values(2);
  auto c = random_values(3);
  const auto forward = [&](std::vector<double> gate, std::vector<double> up) {
    std::vector<double> y(gate.size());
    gate_forward<double>(GetParam(), matrix(gate), matrix(up), matrix(y), pool);
    return y;
  };
  const auto da = by_differences(a, c, [&](const auto& at) { return forward(at, u); });
  const auto du = by_differences(u, c, [&](const auto& at) { return forward(a, at); });
  gate_backward<double>(GetParam(), matrix(c), matrix(a), matrix(u), pool);
  EXPECT_THAT(a, Pointwise(::testing::DoubleNear(1e-8), da));
  EXPECT_THAT(u, Pointwise(::testing::DoubleNear(1e-8), du));
}

TEST_P(Gate, IsThatOfTheOps) {
  ThreadPool pool(2);
  std::vector<float> a;
  for (float x = -12.0F; x < 12.0F; x += 0.01F) {
    a.push_back(x);
  }
  const std::vector<float> u(a.size(), 1.0F);
  std::vector<float> y(a.size());
  gate_forward<float>(GetParam(),
                      MatrixView<const float>(a.data(), 1, a.size()),
                      MatrixView<const float>(u.data(), 1, a.size()),
                      {y.data(), 1, a.size()},
                      pool);
  ops::gate_in_place(GetParam(), {a.data(), 1, a.size()}, {u.data(), 1, a.size()}, pool);
  EXPECT_THAT(y, Pointwise(::testing::FloatNear(3e-6F), a));
}

INSTANTIATE_TEST_SUITE_P(Activations,
                         Gate,
                         ::testing::Values(ops::GateActivation::kSilu,
                                           ops::GateActivation::kGeluTanh));

TEST(Rope, TurnsPairsByTheirPositionAndBack) {
  ThreadPool pool(1);
  const std::vector<float> frequency = {1.0F, 0.5F};
  const RopeTable<double> table(frequency, 3);
  auto x = random_values(1);  // two heads a row
  const auto before = x;
  rope(table, Turn::kForward, matrix(x), pool);
  for (std::size_t i = 0; i < kCols; ++i) {
    EXPECT_EQ(x[i], before[i]) << "position 0";
  }
  const std::size_t at = 2 * kCols + 4 + 1;  // position 2, second head, second pair: angle 1
  EXPECT_NEAR(x[at], before[at] * std::cos(1.0) - before[at + 2] * std::sin(1.0), 1e-12);
  EXPECT_NEAR(x[at + 2], before[at + 2] * std::cos(1.0) + before[at] * std::sin(1.0), 1e-12);
  rope(table, Turn::kBackward, matrix(x), pool);
  EXPECT_THAT(x, Pointwise(::testing::DoubleNear(1e-12), before));
}

}  // namespace
}  // namespace nibble::quant
