#include "model/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace nibble::model {
namespace {

constexpr std::size_t kDraws = 20000;

/// How often each of four tokens is drawn; the last is the most probable.
std::array<double, 4> shares(const std::array<float, 4>& logits, const Sampling& sampling) {
  TokenSampler sampler(sampling);
  std::array<double, 4> out{};
  for (std::size_t i = 0; i < kDraws; ++i) {
    out.at(static_cast<std::size_t>(sampler.choose(logits, 3))) += 1.0 / kDraws;
  }
  return out;
}

/// Logarithms of probabilities 0.1, 0.2, 0.3, 0.4.
const std::array<float, 4> kTenths = {
    std::log(0.1F), std::log(0.2F), std::log(0.3F), std::log(0.4F)};

TEST(TokenSampler, IsGreedyAtTemperatureZero) {
  EXPECT_EQ(shares(kTenths, {})[3], shares(kTenths, {.seed = 7})[3]);
  EXPECT_NEAR(shares(kTenths, {})[3], 1.0, 1e-9);
}

TEST(TokenSampler, DrawsByProbability) {
  const auto found = shares(kTenths, {.temperature = 1, .seed = 1});
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(found.at(i), 0.1 * static_cast<double>(i + 1), 0.015) << i;
  }
}

TEST(TokenSampler, TemperatureSharpens) {
  // Squares of the probabilities: 1, 4, 9, 16 of 30.
  const auto found = shares(kTenths, {.temperature = 0.5, .seed = 2});
  EXPECT_NEAR(found[0], 1.0 / 30, 0.01);
  EXPECT_NEAR(found[3], 16.0 / 30, 0.015);
}

TEST(TokenSampler, TopPKeepsTheFewestTokensThatReachIt) {
  const auto two = shares(kTenths, {.temperature = 1, .top_p = 0.65, .seed = 3});
  EXPECT_EQ(two[0] + two[1], 0.0);
  EXPECT_NEAR(two[3], 4.0 / 7, 0.015);
  const auto three = shares(kTenths, {.temperature = 1, .top_p = 0.75, .seed = 3});
  EXPECT_EQ(three[0], 0.0);
  EXPECT_NEAR(three[1], 2.0 / 9, 0.015);
  EXPECT_NEAR(shares(kTenths, {.temperature = 1, .top_p = 1e-9})[3], 1.0, 1e-9);
}

TEST(TokenSampler, TheSameSeedDrawsTheSame) {
  TokenSampler a({.temperature = 1, .seed = 5});
  TokenSampler b({.temperature = 1, .seed = 5});
  TokenSampler other({.temperature = 1, .seed = 6});
  std::size_t n_other = 0;
  for (int i = 0; i < 100; ++i) {
    const auto token = a.choose(kTenths, 3);
    EXPECT_EQ(token, b.choose(kTenths, 3));
    n_other += token != other.choose(kTenths, 3) ? 1U : 0U;
  }
  EXPECT_GT(n_other, 20U);
}

TEST(TokenSampler, NeverChoosesWhatHasNoProbability) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float never = -std::numeric_limits<float>::infinity();
  const auto found = shares({nan, never, 0.0F, 0.0F}, {.temperature = 1, .seed = 4});
  EXPECT_EQ(found[0] + found[1], 0.0);
  EXPECT_NEAR(found[2], 0.5, 0.015);
}

}  // namespace
}  // namespace nibble::model
