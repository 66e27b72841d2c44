#include "quant/solve/hqq.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "quant/solve/nearest.h"
#include "support/quant_golden.h"

namespace nibble::quant {
namespace {

using codec::IntGroupFormat;
using codec::ZeroKind;
using nibble::testing::GoldenTensors;
using nibble::testing::quant_golden;
using ::testing::ElementsAre;

HqqResult solve(const std::vector<float>& row, std::size_t bits, bool round_zero) {
  ThreadPool pool(1);
  return hqq(
      {row.data(), 1, row.size()}, {bits, 0, ZeroKind::kFloat}, {.round_zero = round_zero}, pool);
}

TEST(Hqq, WorkedExampleInTwoBits) {
  // The second iteration's error ties with the first in exact arithmetic, so the test does not look
  // at where the loop stops.
  const std::vector<float> row = {-1.2F, -0.3F, -0.1F, 0.05F, 0.2F, 0.35F, 0.4F, 2.4F};
  ThreadPool pool(1);
  const auto run = [&](std::size_t n) {
    return hqq({row.data(), 1, 8}, {2, 0, ZeroKind::kFloat}, {.max_iterations = n}, pool);
  };
  const auto first = run(1);
  EXPECT_NEAR(first.codes.zeros[0], 0.9752897F, 1e-6F);
  EXPECT_NEAR(first.mean_errors[0], 0.175F, 1e-6F);
  const auto second = run(2);
  EXPECT_NEAR(second.codes.zeros[0], 0.9609805F, 1e-6F);
  EXPECT_THAT(second.codes.codes, ElementsAre(0, 1, 1, 1, 1, 1, 1, 3));
  EXPECT_FLOAT_EQ(second.codes.scales[0], 1.2F);
}

TEST(Hqq, WorkedExampleInFourBitsStartsAtARoundedZero) {
  const auto got = solve({-0.9F, -0.31F, -0.12F, 0.04F, 0.22F, 0.33F, 0.47F, 1.6F}, 4, true);
  EXPECT_THAT(got.codes.codes, ElementsAre(0, 3, 4, 5, 6, 7, 8, 15));
  EXPECT_FLOAT_EQ(got.codes.scales[0], 1.0F / 6.0F);
  EXPECT_NEAR(got.codes.zeros[0], 5.0025F, 1e-4F);
}

struct Case {
  std::string matrix;
  IntGroupFormat format;
  int axis = 1;
  bool round_zero = false;
  float factor = 1.0F;
};

/// "a.int4.g64.axis1.rz1", "syn.int2.g16.axis1.rz0.x40"
Case parse_case(const std::string& stem) {
  Case out;
  out.matrix = stem.substr(0, stem.find('.'));
  out.format.bits = static_cast<std::size_t>(stem[stem.find(".int") + 4] - '0');
  out.format.group = static_cast<std::size_t>(std::stoul(stem.substr(stem.find(".g") + 2)));
  out.format.zero = ZeroKind::kFloat;
  out.axis = stem.find(".axis0.") != std::string::npos ? 0 : 1;
  out.round_zero = stem.find(".rz1") != std::string::npos;
  out.factor = stem.ends_with(".x40") ? 40.0F : 1.0F;
  return out;
}

/// The weights as the reference regroups them, one group a row: the first 64 rows (and 192 columns
/// of syn), times the factor. Along axis 0 a group collects every (rows * cols / group)-th weight.
std::vector<float> groups_of(const Case& c, const GoldenTensors& inputs, std::size_t n_weights) {
  const auto& source = inputs.at("W." + c.matrix);
  const std::size_t cols = n_weights / 64;
  const std::size_t n_groups = n_weights / c.format.group;
  std::vector<float> out(n_weights);
  for (std::size_t i = 0; i < n_weights; ++i) {
    const float w = source.values[i / cols * source.cols() + i % cols] * c.factor;
    out[c.axis == 1 ? i : i % n_groups * c.format.group + i / n_groups] = w;
  }
  return out;
}

/// The reference's codes, one group a row.
std::vector<float> grouped_codes(const Case& c, const nibble::testing::GoldenTensor& codes) {
  if (c.axis == 1) {
    return codes.values;
  }
  std::vector<float> out(codes.values.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i % codes.cols() * codes.rows() + i / codes.cols()] = codes.values[i];
  }
  return out;
}

struct Errors {
  double mean_abs = 0, mean_square = 0;
};

Errors errors_of(const std::vector<float>& w, const std::vector<float>& decoded) {
  Errors out;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double d = static_cast<double>(w[i]) - static_cast<double>(decoded[i]);
    out.mean_abs += std::fabs(d) / static_cast<double>(w.size());
    out.mean_square += d * d / static_cast<double>(w.size());
  }
  return out;
}

void compare_case(const std::string& stem,
                  const GoldenTensors& golden,
                  const GoldenTensors& inputs,
                  const nlohmann::json& wanted) {
  SCOPED_TRACE(stem);
  const Case c = parse_case(stem);
  const auto codes = grouped_codes(c, golden.at(stem + ".codes"));
  const auto w = groups_of(c, inputs, codes.size());
  const std::size_t rows = codes.size() / c.format.group;
  ThreadPool pool(2);
  const auto got =
      hqq({w.data(), rows, c.format.group}, c.format, {.round_zero = c.round_zero}, pool);

  EXPECT_EQ(got.codes.scales, golden.at(stem + ".scale").values);
  std::size_t n_equal = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    n_equal += static_cast<float>(got.codes.codes[i]) == codes[i] ? 1 : 0;
  }
  EXPECT_GE(static_cast<double>(n_equal), 0.995 * static_cast<double>(codes.size()));
  const double n_iterations = static_cast<double>(wanted.at("iter_mean_abs_err").size());
  EXPECT_NEAR(static_cast<double>(got.mean_errors.size()), n_iterations, 1.0);
  EXPECT_NEAR(
      got.mean_errors.front(), wanted.at("iter_mean_abs_err").at(0).get<float>(), 1e-6F * c.factor);

  const auto decoded =
      codec::decode_all(codec::pack_int_group(c.format, rows, c.format.group, got.codes));
  const Errors errors = errors_of(w, decoded);
  EXPECT_LE(errors.mean_abs, 1.001 * wanted.at("final_mean_abs_err").get<double>());
  EXPECT_LE(errors.mean_square, 1.001 * wanted.at("mse").get<double>());
}

TEST(Hqq, AgreesWithTheReferenceImplementation) {
  NIBBLE_NEEDS_FILE(path, quant_golden("hqq.safetensors"));
  NIBBLE_NEEDS_FILE(sidecar, quant_golden("hqq.json"));
  NIBBLE_NEEDS_FILE(inputs_path, quant_golden("inputs.safetensors"));
  const GoldenTensors golden(path);
  const GoldenTensors inputs(inputs_path);
  const auto cases = nlohmann::json::parse(nibble::testing::read_file(sidecar)).at("cases");
  std::size_t n_cases = 0;
  for (const auto& [stem, wanted] : cases.items()) {
    if (golden.has(stem + ".codes")) {
      compare_case(stem, golden, inputs, wanted);
      ++n_cases;
    }
  }
  EXPECT_GE(n_cases, 4U);
}

TEST(Hqq, WithoutIterationsIsRoundToNearest) {
  const std::vector<float> row = {-0.9F, -0.31F, -0.12F, 0.04F, 0.22F, 0.33F, 0.47F, 1.6F};
  const IntGroupFormat format{3, 8, ZeroKind::kFloat};
  ThreadPool pool(1);
  const auto a = hqq({row.data(), 1, 8}, format, {.max_iterations = 0}, pool).codes;
  const auto b = nearest_int_group({row.data(), 1, 8}, format, RangeRule::kMinMax, pool);
  EXPECT_EQ(a.codes, b.codes);
  EXPECT_EQ(a.zeros, b.zeros);
}

TEST(Hqq, SameResultForAnyNumberOfThreads) {
  std::vector<float> w(67 * 100);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = std::sin(static_cast<float>(i * i % 9973));
  }
  const IntGroupFormat format{2, 16, ZeroKind::kFloat, DType::kF16};
  ThreadPool one(1);
  ThreadPool three(3);
  const auto a = hqq({w.data(), 67, 100}, format, {}, one);
  const auto b = hqq({w.data(), 67, 100}, format, {}, three);
  EXPECT_EQ(a.codes.codes, b.codes.codes);
  EXPECT_EQ(a.codes.zeros, b.codes.zeros);
  EXPECT_EQ(a.mean_errors, b.mean_errors);
}

TEST(Hqq, ConstantGroupsDecodeToTheirValue) {
  const auto got = solve(std::vector<float>(16, 0.25F), 4, false);
  const auto decoded =
      codec::decode_all(codec::pack_int_group({4, 0, ZeroKind::kFloat}, 1, 16, got.codes));
  EXPECT_THAT(decoded, ::testing::Each(::testing::FloatNear(0.25F, 1e-6F)));
}

}  // namespace
}  // namespace nibble::quant
