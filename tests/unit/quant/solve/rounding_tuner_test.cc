#include "quant/solve/rounding_tuner.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "quant/solve/nearest.h"

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

constexpr codec::IntGroupFormat kSymmetric{.bits = 4, .group = 8, .zero = codec::ZeroKind::kMiddle};
constexpr codec::IntGroupFormat kAsymmetric{.bits = 4, .group = 8};

MatrixView<const float> row_of(const std::vector<float>& values) {
  return {values.data(), 1, values.size()};
}

/// A step by a gradient, and what is decoded then.
std::vector<float> after_step(RoundingTuner& tuner,
                              const std::vector<float>& gradient,
                              const StepSizes& sizes,
                              Keep keep = Keep::kNo) {
  ThreadPool pool(1);
  std::vector<float> out(gradient.size());
  tuner.step({gradient.data(), tuner.rows(), tuner.cols()},
             sizes,
             keep,
             {out.data(), tuner.rows(), tuner.cols()},
             pool);
  return out;
}

TEST(RoundingTuner, TheWiderEndIsTheLowestCode) {
  // The worked group of the signed scale: 0.7 is the wider end, so the scale is -0.7 / 8.
  const std::vector<float> w = {0.7F, -0.2F, 0.35F, -0.5F};
  ThreadPool pool(1);
  const auto codes = RoundingTuner(row_of(w), kSymmetric, pool).codes(pool);
  EXPECT_FLOAT_EQ(codes.scales[0], -0.0875F);
  EXPECT_EQ(codes.zeros[0], 8.0F);
  EXPECT_THAT(codes.codes, ElementsAre(0, 10, 4, 14));
  const std::vector<float> turned = {-0.7F, 0.2F, -0.35F, 0.5F};
  const auto mirrored = RoundingTuner(row_of(turned), kSymmetric, pool).codes(pool);
  EXPECT_FLOAT_EQ(mirrored.scales[0], 0.0875F);
  EXPECT_EQ(mirrored.codes, codes.codes);
}

TEST(RoundingTuner, StartsAtTheNearestCodesOfTheAsymmetricGrid) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> w(5 * 21);  // a ragged last group
  std::ranges::generate(w, [&] { return normal(random); });
  const MatrixView<const float> view(w.data(), 5, 21);
  ThreadPool pool(2);
  const auto got = RoundingTuner(view, kAsymmetric, pool).codes(pool);
  const auto wanted = nearest_int_group(view, kAsymmetric, RangeRule::kMinMax, pool);
  EXPECT_EQ(got.codes, wanted.codes);
  EXPECT_EQ(got.scales, wanted.scales);
  EXPECT_EQ(got.zeros, wanted.zeros);
}

TEST(RoundingTuner, AGroupOfZerosStaysZero) {
  const std::vector<float> w(8, 0.0F);
  ThreadPool pool(1);
  for (const auto& format : {kSymmetric, kAsymmetric}) {
    RoundingTuner tuner(row_of(w), format, pool);
    const auto out = after_step(tuner, std::vector<float>(8, 1.0F), {0.1F, 0.1F});
    EXPECT_THAT(out, ::testing::Each(0.0F));
    EXPECT_GT(std::fabs(tuner.codes(pool).scales[0]), 0.0F);
  }
}

TEST(RoundingTuner, OffsetsMoveAgainstTheGradientOfDecodedWeights) {
  // Scale 1/8: 0.3 is 2.4 steps. One step up moves it past the border to 3 steps.
  const std::vector<float> w = {-1.0F, 0.3F, 0.3F, 0.0F};
  ThreadPool pool(1);
  RoundingTuner tuner(row_of(w), kSymmetric, pool);
  const auto out = after_step(tuner, {0.0F, -1.0F, 1.0F, 0.0F}, {0.2F, 0.0F});
  EXPECT_THAT(out, ElementsAre(-1.0F, 0.375F, 0.25F, 0.0F));
}

TEST(RoundingTuner, ANegativeScaleTurnsTheDirection) {
  const std::vector<float> w = {1.0F, 0.3F, 0.3F, 0.0F};
  ThreadPool pool(1);
  RoundingTuner tuner(row_of(w), kSymmetric, pool);
  const auto out = after_step(tuner, {0.0F, -1.0F, 1.0F, 0.0F}, {0.2F, 0.0F});
  EXPECT_THAT(out, ElementsAre(1.0F, 0.375F, 0.25F, 0.0F));
}

TEST(RoundingTuner, OffsetsStayWithinAHalf) {
  const std::vector<float> w = {-1.0F, 0.3F};
  ThreadPool pool(1);
  RoundingTuner tuner(row_of(w), kSymmetric, pool);
  std::vector<float> out;
  for (int i = 0; i < 20; ++i) {
    out = after_step(tuner, {0.0F, -1.0F}, {0.3F, 0.0F});
  }
  EXPECT_THAT(out, ElementsAre(-1.0F, 0.375F));  // 2.4 + 0.5 steps
}

/// The sum of gradient times decoded weights, were rounding and clamping where they are now: what
/// the straight-through gradient is the slope of.
double surrogate(const std::vector<float>& w,
                 const std::vector<float>& gradient,
                 double low_factor,
                 double high_factor,
                 bool is_symmetric) {
  const auto [min, max] = std::ranges::minmax(w);
  const auto grid = [&](double low, double high) {
    if (is_symmetric) {
      const double scale = high < -low ? -low / 8 : -high / 8;
      return std::pair{scale, 8.0};
    }
    const double scale = (high - low) / 15;
    return std::pair{scale, -low / scale};
  };
  const double low = std::min(0.0, static_cast<double>(min));
  const double high = std::max(0.0, static_cast<double>(max));
  const auto [scale0, zero0] = grid(low, high);
  const auto [scale, zero] = grid(low * low_factor, high * high_factor);
  const double rounded_zero = std::nearbyint(zero0);
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double x = static_cast<double>(w[i]);
    const double level = std::nearbyint(x / scale0);
    const double top = 15 - rounded_zero;
    double q = level + (x / scale - x / scale0);  // rounding passes slopes on
    if (level > top || level < -rounded_zero) {
      // The end of the range, which moves with zero.
      q = (level > top ? top : -rounded_zero) - (zero - zero0);
    }
    sum += static_cast<double>(gradient[i]) * scale * q;
  }
  return sum;
}

TEST(RoundingTuner, FactorsFollowTheStraightThroughGradient) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  ThreadPool pool(1);
  int n_moved = 0;
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<float> w(8);
    std::vector<float> gradient(8);
    std::ranges::generate(w, [&] { return normal(random); });
    std::ranges::generate(gradient, [&] { return normal(random); });
    for (const bool is_symmetric : {true, false}) {
      constexpr double kStep = 1e-6;
      const auto slope = [&](double a, double b) {
        return surrogate(w, gradient, 1 + a, 1 + b, is_symmetric) -
               surrogate(w, gradient, 1 - a, 1 - b, is_symmetric);
      };
      // Factors start at one, their upper end: they move only where the slope is positive.
      const double low_factor = slope(kStep, 0) > 1e-12 ? 0.9 : 1.0;
      const double high_factor = slope(0, kStep) > 1e-12 ? 0.9 : 1.0;
      RoundingTuner tuner(row_of(w), is_symmetric ? kSymmetric : kAsymmetric, pool);
      after_step(tuner, gradient, {0.0F, 0.1F});
      after_step(tuner, gradient, {0.0F, 0.0F}, Keep::kYes);
      const auto [min, max] = std::ranges::minmax(w);
      const double low = std::min(0.0, static_cast<double>(min)) * low_factor;
      const double high = std::max(0.0, static_cast<double>(max)) * high_factor;
      const double wanted = is_symmetric ? (high < -low ? -low / 8 : -high / 8) : (high - low) / 15;
      ASSERT_NEAR(static_cast<double>(tuner.codes(pool).scales[0]), wanted, 1e-6)
          << trial << (is_symmetric ? " symmetric" : " asymmetric");
      n_moved += low_factor < 1 || high_factor < 1 ? 1 : 0;
    }
  }
  EXPECT_GT(n_moved, 30);
}

TEST(RoundingTuner, CodesAreThoseOfTheStateKept) {
  const std::vector<float> w = {-1.0F, 0.3F, -0.3F, 0.1F};
  ThreadPool pool(1);
  RoundingTuner tuner(row_of(w), kSymmetric, pool);
  const auto start = tuner.codes(pool).codes;
  const auto second = after_step(tuner, {0.0F, -1.0F, 1.0F, 0.0F}, {0.2F, 0.0F});
  EXPECT_EQ(tuner.codes(pool).codes, start);
  after_step(tuner, {0.0F, 1.0F, -1.0F, 1.0F}, {0.3F, 0.3F}, Keep::kYes);
  const auto codes = tuner.codes(pool);
  std::vector<float> decoded;
  for (const std::uint8_t code : codes.codes) {
    decoded.push_back(codes.scales[0] * (static_cast<float>(code) - codes.zeros[0]));
  }
  EXPECT_EQ(decoded, second);
}

TEST(RoundingTuner, ScalesAreThoseThatTheFormatStores) {
  codec::IntGroupFormat half = kSymmetric;
  half.parameters = DType::kF16;
  const std::vector<float> w = {0.7F, -0.2F, 0.35F, -0.5F};
  ThreadPool pool(1);
  const RoundingTuner tuner(row_of(w), half, pool);
  const auto codes = tuner.codes(pool);
  EXPECT_EQ(codes.scales[0], codec::stored_parameter(-0.0875F, DType::kF16));
  std::vector<float> decoded(4);
  tuner.decode({decoded.data(), 1, 4}, pool);
  EXPECT_EQ(decoded[0], codes.scales[0] * -8.0F);
}

}  // namespace
}  // namespace nibble::quant
