#include "quant/mixed/allocate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Parts = std::vector<std::vector<PartOption>>;

TEST(Allocate, SpendsWhereItHelpsMost) {
  // Two parts of 1 or 2 bytes: the second loses more with one.
  const Parts parts{{{1, 5.0}, {2, 4.0}}, {{1, 9.0}, {2, 1.0}}};
  const Allocation three = allocate(parts, 3).take();
  EXPECT_THAT(three.choices, ElementsAre(0, 1));
  EXPECT_EQ(three.bytes, 3U);
  EXPECT_DOUBLE_EQ(three.loss, 6);
  EXPECT_TRUE(three.is_exact);
  EXPECT_THAT(allocate(parts, 4)->choices, ElementsAre(1, 1));
  EXPECT_THAT(allocate(parts, 2)->choices, ElementsAre(0, 0));
}

TEST(Allocate, AnOptionThatCostsMoreAndLosesMoreIsNeverTaken) {
  const Parts parts{{{1, 1.0}, {2, 3.0}}};
  EXPECT_THAT(allocate(parts, 100)->choices, ElementsAre(0));
}

TEST(Allocate, ABudgetBelowTheLeastIsRefused) {
  const auto refused = allocate(Parts{{{3, 1.0}, {5, 0.0}}, {{4, 1.0}}}, 6);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.failure().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.failure().message, HasSubstr("6 bytes is below the least, 7 bytes"));
}

/// The least loss over all ways to choose.
double by_trying_all(const Parts& parts, std::size_t budget) {
  double best = std::numeric_limits<double>::infinity();
  std::vector<std::size_t> choice(parts.size(), 0);
  while (true) {
    std::size_t bytes = 0;
    double loss = 0;
    for (std::size_t u = 0; u < parts.size(); ++u) {
      bytes += parts[u][choice[u]].bytes;
      loss += parts[u][choice[u]].loss;
    }
    if (bytes <= budget) {
      best = std::min(best, loss);
    }
    std::size_t u = 0;
    while (u < parts.size() && ++choice[u] == parts[u].size()) {
      choice[u++] = 0;
    }
    if (u == parts.size()) {
      return best;
    }
  }
}

Parts random_parts(std::mt19937& random, std::size_t n_parts) {
  std::uniform_int_distribution<std::size_t> bytes(10, 60);
  std::uniform_real_distribution<double> loss(0, 1);
  Parts parts(n_parts);
  for (auto& part : parts) {
    for (int i = 0; i < 4; ++i) {
      part.push_back({bytes(random), loss(random)});
    }
  }
  return parts;
}

TEST(Allocate, IsTheBestOfAllWays) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    const Parts parts = random_parts(random, 6);
    const auto found = allocate(parts, 200);
    const double best = by_trying_all(parts, 200);
    if (!found) {
      EXPECT_EQ(best, std::numeric_limits<double>::infinity());
      continue;
    }
    EXPECT_DOUBLE_EQ(found->loss, best);
    EXPECT_LE(found->bytes, 200U);
  }
}

TEST(Allocate, WithFewSumsKeptItSaysThatItIsNotExactAndKeepsTheBudget) {
  std::mt19937 random(11);
  const Parts parts = random_parts(random, 30);
  const Allocation exact = allocate(parts, 900).take();
  const Allocation thinned = allocate(parts, 900, 16).take();
  EXPECT_FALSE(thinned.is_exact);
  EXPECT_LE(thinned.bytes, 900U);
  EXPECT_GE(thinned.loss, exact.loss);
  EXPECT_LT(thinned.loss, exact.loss + 2);
}

TEST(Allocate, NoPartsTakeNothing) {
  const Allocation none = allocate(Parts{}, 0).take();
  EXPECT_TRUE(none.choices.empty());
  EXPECT_EQ(none.bytes, 0U);
}

}  // namespace
}  // namespace nibble::quant
