#include "quant/kv/fit_tables.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "support/quant_golden.h"

namespace nibble::quant {
namespace {

using nibble::testing::GoldenTensors;
using nibble::testing::quant_golden;

TEST(FitTables, SinksAreLeftOut) {
  // Two windows of three tokens; the first of each is wild.
  const std::vector<float> k = {500, -500, 1, 2, 3, 4, -500, 500, 1, 2, 3, 4};
  const MatrixView<const float> view(k.data(), 6, 2);
  const auto limits = key_limits(view, {3, 1});
  EXPECT_FLOAT_EQ(limits[0].lower, 1.0F);
  EXPECT_FLOAT_EQ(limits[0].upper, 3.0F);
  EXPECT_FLOAT_EQ(limits[1].upper, 4.0F);
  const auto with = key_limits(view, {3, 0});
  EXPECT_LT(with[0].lower, -400.0F);
}

TEST(FitTables, WhatMattersMoreIsMetMoreClosely) {
  std::vector<float> k;
  std::vector<float> importance;
  for (int i = 0; i < 64; ++i) {
    k.push_back(static_cast<float>(i));
    importance.push_back(i % 8 == 0 ? 1000.0F : 1.0F);
  }
  const MatrixView<const float> view(k.data(), 64, 1);
  const MatrixView<const float> weights(importance.data(), 64, 1);
  const std::vector<codec::KvLimits> limits = {{0.0F, 63.0F}};
  const auto error_at_important = [&](const std::vector<float>& levels) {
    double sum = 0;
    for (std::size_t i = 0; i < 64; i += 8) {
      float nearest = 1e9F;
      for (const float level : levels) {
        nearest = std::min(
            nearest, std::fabs(limits[0].span().middle + level * limits[0].span().half - k[i]));
      }
      sum += double{nearest};
    }
    return sum;
  };
  EXPECT_LT(error_at_important(key_levels(view, limits, {64, 0}, 3, weights)),
            0.1 * error_at_important(key_levels(view, limits, {64, 0}, 3)));
}

TEST(FitTables, RefusesWhatIsNotFinite) {
  std::vector<float> k(32, 1.0F);
  k[7] = std::numeric_limits<float>::quiet_NaN();
  const MatrixView<const float> view(k.data(), 2, 16);
  EXPECT_THROW(fit_kv_tables(view, view, {2, 1}, 4), Error);
  EXPECT_THROW(fit_kv_tables(view, view, {1, 1}, 4), Error);
}

constexpr std::size_t kTokens = 256;
constexpr std::size_t kWidth = 192;

/// Mean square error of keys at the reference's limits with levels of ours.
double key_error(const GoldenTensors& golden, const std::string& stem, std::size_t bits) {
  const auto& x = golden.at("k_pre").values;
  const std::size_t n_sinks = stem.ends_with("first1") ? 1 : 0;
  std::vector<codec::KvLimits> limits;
  for (std::size_t i = 0; i < kWidth; ++i) {
    limits.push_back({golden.at(stem + ".lower").values[i], golden.at(stem + ".upper").values[i]});
  }
  const KvWindows windows{kTokens, n_sinks};
  const auto levels = key_levels({x.data(), kTokens, kWidth}, limits, windows, bits);
  const codec::LevelCoder coder(levels);
  double sum = 0;
  for (std::size_t i = n_sinks * kWidth; i < kTokens * kWidth; ++i) {
    const codec::KvLimits& limit = limits[i % kWidth];
    if (!codec::is_outside(limit, x[i])) {
      const float value = codec::level_value(levels, limit.span(), coder.code(limit.span(), x[i]));
      sum += std::pow(double{value} - double{x[i]}, 2);
    }
  }
  return sum / (kTokens * kWidth);
}

double value_error(const GoldenTensors& golden, const std::string& stem, std::size_t bits) {
  const auto& x = golden.at("v").values;
  const std::size_t n_sinks = stem.ends_with("first1") ? 1 : 0;
  const MatrixView<const float> view(x.data(), kTokens, kWidth);
  const auto levels = value_levels(view, {kTokens, n_sinks}, bits);
  const codec::LevelCoder coder(levels);
  double sum = 0;
  for (std::size_t token = n_sinks; token < kTokens; ++token) {
    const auto row = view.row_span(token);
    const auto found = codec::limits_of_token(row);
    const codec::KvSpan span = found.limits.span();
    for (std::size_t i = 0; i < kWidth; ++i) {
      if (!std::ranges::binary_search(found.outliers, i)) {
        sum += std::pow(
            double{codec::level_value(levels, span, coder.code(span, row[i]))} - double{row[i]}, 2);
      }
    }
  }
  return sum / (kTokens * kWidth);
}

TEST(FitTables, LevelsAreNoWorseThanTheReferences) {
  const auto path = quant_golden("kv.safetensors");
  const auto errors = quant_golden("kv.json");
  if (!path || !errors) {
    GTEST_SKIP() << "golden/quant/kv.safetensors is not here";
  }
  const GoldenTensors golden(*path);
  const auto cases = nlohmann::json::parse(read_text_file(*errors).take()).at("cases");
  for (const std::size_t bits : {3U, 4U}) {
    for (const std::string first : {"first1", "first0"}) {
      const std::string stem = "kvquant.nuq" + std::to_string(bits);
      const std::string keys = stem + ".k_pre." + first;
      const std::string values = stem + ".v." + first;
      EXPECT_LE(key_error(golden, keys, bits), cases.at(keys).at("mse").get<double>() * 1.02);
      EXPECT_LE(value_error(golden, values, bits), cases.at(values).at("mse").get<double>() * 1.02);
    }
  }
}

}  // namespace
}  // namespace nibble::quant
