#include "ops/rope.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"

namespace nibble::ops {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

TEST(Rope, FrequenciesFallGeometrically) {
  EXPECT_THAT(rope_inverse_frequencies(8, 10000.0F, {}),
              Pointwise(FloatNear(1e-7F), {1.0F, 0.1F, 0.01F, 0.001F}));
}

TEST(Rope, LinearAndFactorScalingDivide) {
  RopeScaling linear{.kind = RopeScaling::Kind::kLinear, .factor = 4.0F, .factors = {}};
  EXPECT_THAT(rope_inverse_frequencies(4, 10000.0F, linear),
              Pointwise(FloatNear(1e-7F), {0.25F, 0.0025F}));
  RopeScaling factors{.kind = RopeScaling::Kind::kFactors, .factors = {1.0F, 2.0F}};
  EXPECT_THAT(rope_inverse_frequencies(4, 10000.0F, factors),
              Pointwise(FloatNear(1e-7F), {1.0F, 0.005F}));
}

TEST(Rope, Llama3KeepsShortWavesAndStretchesLongOnes) {
  RopeScaling scaling{.kind = RopeScaling::Kind::kLlama3,
                      .factor = 8.0F,
                      .low_frequency_factor = 1.0F,
                      .high_frequency_factor = 4.0F,
                      .original_context = 8192,
                      .factors = {}};
  const auto plain = rope_inverse_frequencies(128, 500000.0F, {});
  const auto scaled = rope_inverse_frequencies(128, 500000.0F, scaling);
  EXPECT_FLOAT_EQ(scaled.front(), plain.front());
  EXPECT_FLOAT_EQ(scaled.back(), plain.back() / 8.0F);
  for (std::size_t i = 1; i < scaled.size(); ++i) {
    EXPECT_LT(scaled[i], scaled[i - 1]);
    EXPECT_LE(scaled[i], plain[i]);
  }
}

TEST(Rope, RotatesEachHeadByItsPosition) {
  ThreadPool pool(2);
  const std::vector<float> frequency = {1.0F, 0.5F};
  const std::vector<std::int32_t> positions = {0, 3};
  std::vector<float> x = {
      1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8};  // 2 tokens, 2 heads of 4
  rope_in_place({x.data(), 2, 8}, 4, frequency, positions, pool);
  std::vector<float> wanted = {1, 2, 3, 4, 5, 6, 7, 8};
  for (const float base : {1.0F, 5.0F}) {
    const float c0 = std::cos(3.0F), s0 = std::sin(3.0F), c1 = std::cos(1.5F), s1 = std::sin(1.5F);
    wanted.push_back(base * c0 - (base + 2) * s0);
    wanted.push_back((base + 1) * c1 - (base + 3) * s1);
    wanted.push_back((base + 2) * c0 + base * s0);
    wanted.push_back((base + 3) * c1 + (base + 1) * s1);
  }
  EXPECT_THAT(x, Pointwise(FloatNear(2e-6F), wanted));
}

TEST(Rope, AnglesAreFloat32AtLongPositions) {
  ThreadPool pool(1);
  const std::vector<float> frequency = {0.7301F};
  for (const std::int32_t position : {1, 1000, 32767, 131071}) {
    std::vector<float> x = {1, 0};
    rope_in_place({x.data(), 1, 2}, 2, frequency, {&position, 1}, pool);
    const double angle = static_cast<float>(position) * frequency[0];
    EXPECT_NEAR(x[0], std::cos(angle), 1e-6) << position;
    EXPECT_NEAR(x[1], std::sin(angle), 1e-6) << position;
  }
}

TEST(Rope, RefusesShapesThatDisagree) {
  ThreadPool pool(1);
  std::vector<float> x(8);
  const std::vector<float> frequency = {1.0F};
  const std::vector<std::int32_t> positions = {0};
  EXPECT_THROW(rope_in_place({x.data(), 2, 4}, 2, frequency, positions, pool), Error);
  EXPECT_THROW(rope_in_place({x.data(), 1, 4}, 4, frequency, positions, pool), Error);
  EXPECT_THROW(rope_inverse_frequencies(7, 10000.0F, {}), Error);
}

}  // namespace
}  // namespace nibble::ops
