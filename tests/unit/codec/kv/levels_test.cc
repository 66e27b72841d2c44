#include "codec/kv/levels.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "support/quant_golden.h"

namespace nibble::codec {
namespace {

using nibble::testing::GoldenTensors;
using nibble::testing::quant_golden;
using ::testing::ElementsAre;

TEST(Levels, TakesTheNearestAndTheLowerOfTwo) {
  const std::vector<float> levels = {-1.0F, -0.25F, 0.25F, 1.0F};
  const KvSpan span = KvLimits{2.0F, 6.0F}.span();
  const LevelCoder coder(levels);
  EXPECT_EQ(coder.code(span, 2.1F), 0);
  EXPECT_EQ(coder.code(span, 4.0F), 1) << "0 lies between two levels";
  EXPECT_EQ(coder.code(span, 4.1F), 2);
  EXPECT_EQ(coder.code(span, 60.0F), 3);
  EXPECT_FLOAT_EQ(level_value(levels, span, 2), 4.5F);
}

TEST(Levels, AVectorWithoutWidthIsItsMiddle) {
  const std::vector<float> levels = {-1.0F, 0.0F, 1.0F};
  const KvSpan span = KvLimits{3.0F, 3.0F}.span();
  EXPECT_EQ(level_value(levels, span, LevelCoder(levels).code(span, 3.0F)), 3.0F);
}

TEST(Levels, QuantilesAreInterpolated) {
  const std::vector<float> x = {0, 1, 2, 10};
  EXPECT_FLOAT_EQ(quantile(x, 0.5), 1.5F);
  EXPECT_FLOAT_EQ(quantile(x, 1.0), 10.0F);
  EXPECT_FLOAT_EQ(quantile(std::span(x).first(1), 0.3), 0.0F);
}

TEST(Levels, ATokenKeepsItsEnds) {
  std::vector<float> x(200);
  std::iota(x.begin(), x.end(), -100.0F);
  std::swap(x[3], x[199]);
  const TokenLimits found = limits_of_token(x);
  EXPECT_THAT(found.outliers, ElementsAre(0, 3));
  EXPECT_EQ(found.limits.lower, -99.0F);
  EXPECT_EQ(found.limits.upper, 98.0F);
}

TEST(Levels, ATokenOfEqualEntriesHasLimits) {
  const TokenLimits found = limits_of_token(std::vector<float>(8, 2.5F));
  EXPECT_EQ(found.outliers.size(), 8U);
  EXPECT_EQ(found.limits.span().middle, 2.5F);
  EXPECT_EQ(found.limits.span().half, 0.0F);
}

/// Compares one token with the stored reconstruction [256, 192] and, where stored, the bits of the
/// outlier mask.
class Comparison {
 public:
  Comparison(const GoldenTensors& golden, const std::string& name)
      : name_(name), mask_(golden.at(name + ".outlier_mask_packed").values) {
    if (golden.has(name + ".deq")) {
      values_ = golden.at(name + ".deq").values;
    }
  }
  void expect(std::size_t at, float value, bool is_outlier) const {
    const auto byte = static_cast<unsigned>(mask_[at / 8]);
    ASSERT_EQ(is_outlier, ((byte >> (7 - at % 8)) & 1U) != 0) << name_ << " element " << at;
    if (!values_.empty()) {
      ASSERT_NEAR(value, values_[at], 1e-3F * std::max(1.0F, std::abs(values_[at])))
          << name_ << " element " << at;
    }
  }

 private:
  std::string name_;
  std::vector<float> mask_;
  std::vector<float> values_;
};

constexpr std::size_t kTokens = 256;
constexpr std::size_t kWidth = 192;

void expect_keys(const GoldenTensors& golden, const std::string& stem, const std::string& source) {
  const Comparison comparison(golden, stem);
  const auto& x = golden.at(source).values;
  const auto& levels = golden.at(stem + ".lut").values;
  const LevelCoder coder(levels);
  const std::size_t n_first = stem.ends_with("first1") ? 1 : 0;
  for (std::size_t i = 0; i < kTokens * kWidth; ++i) {
    const KvLimits limits{golden.at(stem + ".lower").values[i % kWidth],
                          golden.at(stem + ".upper").values[i % kWidth]};
    const bool is_outlier = is_outside(limits, x[i]) || i / kWidth < n_first;
    const float value =
        is_outlier ? x[i] : level_value(levels, limits.span(), coder.code(limits.span(), x[i]));
    comparison.expect(i, value, is_outlier);
  }
}

void expect_values(const GoldenTensors& golden, const std::string& stem) {
  const Comparison comparison(golden, stem);
  const auto& x = golden.at("v").values;
  const auto& levels = golden.at(stem + ".lut").values;
  const LevelCoder coder(levels);
  const std::size_t n_first = stem.ends_with("first1") ? 1 : 0;
  for (std::size_t token = 0; token < kTokens; ++token) {
    const std::span<const float> row = std::span(x).subspan(token * kWidth, kWidth);
    const TokenLimits found = limits_of_token(row);
    const KvSpan span = found.limits.span();
    for (std::size_t i = 0; i < kWidth; ++i) {
      const bool is_outlier = token < n_first || std::ranges::binary_search(found.outliers, i);
      const float value = is_outlier ? row[i] : level_value(levels, span, coder.code(span, row[i]));
      comparison.expect(token * kWidth + i, value, is_outlier);
    }
  }
}

TEST(Levels, EqualTheReferenceAtItsLevels) {
  const auto path = quant_golden("kv.safetensors");
  if (!path) {
    GTEST_SKIP() << "golden/quant/kv.safetensors is not here";
  }
  const GoldenTensors golden(*path);
  for (const std::string first : {"first1", "first0"}) {
    expect_keys(golden, "kvquant.nuq3.k_pre." + first, "k_pre");
    expect_values(golden, "kvquant.nuq3.v." + first);
  }
  expect_keys(golden, "kvquant.nuq3.k_post.first1", "k_post");
}

}  // namespace
}  // namespace nibble::codec
