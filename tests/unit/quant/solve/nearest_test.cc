#include "quant/solve/nearest.h"

#include <gmock/gmock.h>

#include <charconv>
#include <cmath>
#include <numeric>

#include "support/quant_golden.h"

namespace nibble::quant {
namespace {

using codec::Codebook;
using codec::CodebookFormat;
using codec::IntGroupFormat;
using codec::ZeroKind;
using nibble::testing::GoldenTensors;
using nibble::testing::quant_golden;
using ::testing::Each;
using ::testing::ElementsAre;

std::vector<float> as_floats(const std::vector<std::uint8_t>& codes) {
  return {codes.begin(), codes.end()};
}

codec::IntGroupCodes nearest(const std::vector<float>& row,
                             const IntGroupFormat& format,
                             RangeRule rule) {
  ThreadPool pool(1);
  return nearest_int_group({row.data(), 1, row.size()}, format, rule, pool);
}

/// "a.int4.asym.g64" → matrix "a" and its format; "g-1" is the whole row.
struct Case {
  std::string matrix;
  IntGroupFormat format;
};

Case parse_case(std::string_view name) {
  Case out;
  out.matrix = name.substr(0, name.find('.'));
  name.remove_prefix(out.matrix.size() + 4);
  out.format.bits = static_cast<std::size_t>(name.front() - '0');
  out.format.zero =
      name.find(".sym.") != std::string_view::npos ? ZeroKind::kMiddle : ZeroKind::kInteger;
  name.remove_prefix(name.rfind('g') + 1);
  std::from_chars(name.data(), name.data() + name.size(), out.format.group);  // "-1" leaves it
  if (name == "-1") {
    out.format.group = 0;
  }
  return out;
}

/// Compares every case of a golden file, bit for bit; returns how many there were.
std::size_t compare_all_cases(const GoldenTensors& golden,
                              const GoldenTensors& inputs,
                              RangeRule rule) {
  ThreadPool pool(2);
  std::size_t n_cases = 0;
  for (const std::string& name : golden.names()) {
    if (!name.ends_with(".scales")) {
      continue;
    }
    const std::string stem = name.substr(0, name.size() - 7);
    SCOPED_TRACE(stem);
    const auto [matrix, format] = parse_case(stem);
    const auto& codes = golden.at(stem + ".codes");
    const auto w = nibble::testing::matrix(inputs.at("W." + matrix), codes.rows());
    const auto got = nearest_int_group(w, format, rule, pool);
    EXPECT_EQ(got.scales, golden.at(name).values);
    auto got_codes = as_floats(got.codes);
    if (codes.dtype == "I8") {  // signed codes of a symmetric grid
      const bool is_symmetric = format.zero == ZeroKind::kMiddle;
      std::ranges::transform(
          got_codes, got_codes.begin(), [&](float c) { return is_symmetric ? c - 8 : c; });
    }
    EXPECT_EQ(got_codes, codes.values);
    if (golden.has(stem + ".zeros")) {
      EXPECT_EQ(got.zeros, golden.at(stem + ".zeros").values);
    }
    if (golden.has(stem + ".deq")) {
      const auto decoded = codec::decode_all(codec::pack_int_group(format, w.rows, w.cols, got));
      EXPECT_EQ(decoded, golden.at(stem + ".deq").values);
    }
    ++n_cases;
  }
  return n_cases;
}

TEST(NearestIntGroup, EqualsGptqModelBitForBit) {
  NIBBLE_NEEDS_FILE(path, quant_golden("rtn.safetensors"));
  NIBBLE_NEEDS_FILE(inputs, quant_golden("inputs.safetensors"));
  EXPECT_GE(compare_all_cases(GoldenTensors(path), GoldenTensors(inputs), RangeRule::kMinMax), 8U);
}

TEST(NearestIntGroup, RawRangeEqualsAutoAwqBitForBit) {
  NIBBLE_NEEDS_FILE(path, quant_golden("rtn_awq.safetensors"));
  NIBBLE_NEEDS_FILE(inputs, quant_golden("inputs.safetensors"));
  EXPECT_GE(compare_all_cases(GoldenTensors(path), GoldenTensors(inputs), RangeRule::kRaw), 6U);
}

TEST(NearestIntGroup, WorkedExampleOfTheSymmetricGrid) {
  const auto got =
      nearest({0.7F, -0.2F, 0.35F, -0.5F}, {4, 0, ZeroKind::kMiddle}, RangeRule::kMinMax);
  EXPECT_THAT(got.codes, ElementsAre(15, 6, 12, 3));
  EXPECT_FLOAT_EQ(got.scales[0], 1.4F / 15.0F);
}

TEST(NearestIntGroup, WorkedExampleOfTheAsymmetricGrid) {
  // Range [-1, 2] in 3 steps of 1, zero at code 1.
  const auto got =
      nearest({-1.0F, 0.4F, 0.6F, 2.0F}, {2, 0, ZeroKind::kInteger}, RangeRule::kMinMax);
  EXPECT_THAT(got.codes, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(got.scales, ElementsAre(1.0F));
  EXPECT_THAT(got.zeros, ElementsAre(1.0F));
}

TEST(NearestIntGroup, RealZeroIsTheStartOfHqq) {
  // inverse = 3 / 3.6, zero = 1.2 * 3 / 3.6 = 1.
  const auto got = nearest({-1.2F, -0.3F, -0.1F, 0.05F, 0.2F, 0.35F, 0.4F, 2.4F},
                           {2, 0, ZeroKind::kFloat},
                           RangeRule::kMinMax);
  EXPECT_THAT(got.codes, ElementsAre(0, 1, 1, 1, 1, 1, 1, 3));
  EXPECT_FLOAT_EQ(got.scales[0], 1.2F);
  EXPECT_FLOAT_EQ(got.zeros[0], 1.0F);
}

TEST(NearestIntGroup, LastGroupOfARowMayBeShorter) {
  std::vector<float> row(20, 1.0F);
  row[19] = 8.0F;
  const auto got = nearest(row, {4, 16, ZeroKind::kInteger}, RangeRule::kMinMax);
  EXPECT_THAT(got.scales, ElementsAre(1.0F / 15.0F, 8.0F / 15.0F));
  EXPECT_EQ(got.codes[15], 15);
  EXPECT_EQ(got.codes[16], 2);
}

TEST(NearestIntGroup, ZerosDecodeToZero) {
  for (const ZeroKind zero : {ZeroKind::kMiddle, ZeroKind::kInteger, ZeroKind::kFloat}) {
    const IntGroupFormat format{4, 8, zero};
    const std::vector<float> row(16, 0.0F);
    const auto got = nearest(row, format, RangeRule::kMinMax);
    EXPECT_THAT(codec::decode_all(codec::pack_int_group(format, 1, 16, got)), Each(0.0F));
  }
}

TEST(NearestIntGroup, TinyAndHugeWeightsStayFinite) {
  for (const float size : {1e-45F, 1e-38F, 1e-8F, 1e30F}) {
    for (const std::string_view name :
         {"int4g8a", "int4g8s", "int4g8f", "int2g8ah", "int8g8sh", "int3g8fh"}) {
      SCOPED_TRACE(name);
      const auto format = *codec::int_group_from_name(name);
      std::vector<float> row(8, -size);
      row[3] = size;
      const auto got = nearest(row, format, RangeRule::kMinMax);
      for (const float v : codec::decode_all(codec::pack_int_group(format, 1, 8, got))) {
        EXPECT_TRUE(std::isfinite(v));
      }
    }
  }
}

TEST(NearestIntGroup, HalfParametersAreChosenBeforeTheCodes) {
  // The scale 0.1 / 15 rounds in float16; codes must be the nearest for the rounded one.
  std::vector<float> row(64);
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i] = 0.1F * static_cast<float>(i) / 63.0F;
  }
  const IntGroupFormat format{8, 64, ZeroKind::kInteger, DType::kF16};
  const auto got = nearest(row, format, RangeRule::kMinMax);
  EXPECT_EQ(got.scales[0], codec::stored_parameter(0.1F / 255.0F, DType::kF16));
  const auto decoded = codec::decode_all(codec::pack_int_group(format, 1, 64, got));
  for (std::size_t i = 0; i < row.size(); ++i) {
    EXPECT_LE(std::fabs(decoded[i] - row[i]),
              got.scales[0] * 0.5001F + (i == 63 ? got.scales[0] : 0.0F))
        << i;
  }
}

// ---- codebooks

CodebookFormat parse_codebook_case(std::string_view stem) {
  CodebookFormat out;
  out.codebook = stem.find(".nf4.") != std::string_view::npos ? Codebook::kNf4 : Codebook::kFp4;
  out.block = stem.find("bs128") != std::string_view::npos ? 128 : 64;
  out.nested = stem.ends_with(".dq");
  return out;
}

const nibble::testing::GoldenTensor& codebook_weights(std::string_view stem,
                                                      const GoldenTensors& golden,
                                                      const GoldenTensors& inputs) {
  const std::string name = "W." + std::string(stem.substr(0, stem.find('.')));
  const std::string own = std::string(stem.substr(0, stem.find('.'))) + ".W";
  return golden.has(own) ? golden.at(own) : inputs.at(name);
}

/// Share of positions where two equally long lists differ.
template <class A, class B>
double share_unequal(const A& a, const B& b) {
  EXPECT_EQ(a.size(), b.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    n += static_cast<float>(a[i]) != static_cast<float>(b[i]) ? 1 : 0;
  }
  return static_cast<double>(n) / static_cast<double>(a.size());
}

TEST(NearestCodebook, EqualsBitsandbytes) {
  NIBBLE_NEEDS_FILE(path, quant_golden("nf4.safetensors"));
  NIBBLE_NEEDS_FILE(inputs_path, quant_golden("inputs.safetensors"));
  const GoldenTensors golden(path);
  const GoldenTensors inputs(inputs_path);
  ThreadPool pool(2);
  std::size_t n_cases = 0;
  for (const std::string& name : golden.names()) {
    if (!name.ends_with(".packed")) {
      continue;
    }
    const std::string stem = name.substr(0, name.size() - 7);
    SCOPED_TRACE(stem);
    const CodebookFormat format = parse_codebook_case(stem);
    const auto w = nibble::testing::matrix(codebook_weights(stem, golden, inputs));
    const auto encoded =
        codec::pack_codebook(format, w.rows, w.cols, nearest_codebook(w, format, pool));
    ASSERT_TRUE(format.nested || encoded.part("absmax")->dtype() == DType::kF32);
    if (!format.nested) {
      const auto absmax = encoded.part("absmax")->as<float>();
      EXPECT_EQ(share_unequal(absmax, golden.at(stem + ".absmax").values), 0.0);
    }
    // Weights within one unit of a threshold could differ; none does.
    EXPECT_EQ(share_unequal(encoded.part("codes")->as<std::uint8_t>(), golden.at(name).values),
              0.0);
    if (golden.has(stem + ".deq")) {
      EXPECT_EQ(share_unequal(codec::decode_all(encoded), golden.at(stem + ".deq").values), 0.0);
    }
    ++n_cases;
  }
  EXPECT_GE(n_cases, 3U);
}

TEST(NearestCodebook, DoubleQuantizationEqualsBitsandbytes) {
  NIBBLE_NEEDS_FILE(path, quant_golden("nf4.safetensors"));
  NIBBLE_NEEDS_FILE(inputs_path, quant_golden("inputs.safetensors"));
  const GoldenTensors golden(path);
  const GoldenTensors inputs(inputs_path);
  ThreadPool pool(2);
  std::size_t n_cases = 0;
  for (const std::string& name : golden.names()) {
    if (!name.ends_with(".absmax_u8")) {
      continue;
    }
    const std::string stem = name.substr(0, name.size() - 10);
    SCOPED_TRACE(stem);
    const auto w = nibble::testing::matrix(codebook_weights(stem, golden, inputs));
    const auto got = nearest_codebook(w, parse_codebook_case(stem), pool);
    const float offset = golden.at(stem + ".offset").values.front();
    EXPECT_NEAR(got.nested_offset, offset, 1e-6F * offset);
    const auto& nested = golden.at(stem + ".nested_absmax").values;
    ASSERT_EQ(got.nested_absmax.size(), nested.size());
    for (std::size_t i = 0; i < nested.size(); ++i) {
      EXPECT_NEAR(got.nested_absmax[i], nested[i], 1e-6F * offset);
    }
    EXPECT_EQ(share_unequal(got.absmax_u8, golden.at(name).values), 0.0);
    ++n_cases;
  }
  EXPECT_GE(n_cases, 3U);
}

TEST(NearestCodebook, WorkedBlock) {
  ThreadPool pool(1);
  const std::vector<float> block = {0.5F, -0.25F, 1.0F, -2.0F, 0.0F, 0.1F, -0.1F, 1.5F};
  const auto got = nearest_codebook({block.data(), 2, 4}, {Codebook::kNf4, 64}, pool);
  EXPECT_THAT(got.codes, ElementsAre(10, 6, 12, 0, 7, 8, 6, 14));
  EXPECT_THAT(got.absmax, ElementsAre(2.0F));
}

TEST(NearestCodebook, BlocksRunOverRowEndsAndStrideIsRespected) {
  ThreadPool pool(1);
  std::vector<float> padded(3 * 50, 1e6F);  // rows of 48 with two columns that must not be read
  for (std::size_t i = 0; i < 3 * 48; ++i) {
    padded[i / 48 * 50 + i % 48] = static_cast<float>(i + 1);
  }
  const auto got = nearest_codebook({padded.data(), 3, 48, 50}, {Codebook::kNf4, 64}, pool);
  EXPECT_THAT(got.absmax, ElementsAre(64.0F, 128.0F, 144.0F));
}

TEST(NearestCodebook, BlockOfZerosTakesTheCodeOfZero) {
  ThreadPool pool(1);
  const std::vector<float> zeros(64, 0.0F);
  for (const bool nested : {false, true}) {
    const CodebookFormat format{Codebook::kNf4, 64, nested};
    const auto got = nearest_codebook({zeros.data(), 1, 64}, format, pool);
    EXPECT_THAT(got.codes, Each(7));
    EXPECT_THAT(codec::decode_all(codec::pack_codebook(format, 1, 64, got)), Each(0.0F));
  }
}

}  // namespace
}  // namespace nibble::quant
