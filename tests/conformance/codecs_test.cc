/// What every codec promises, checked for each row of the codec table.
#include "codec/codecs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "codec/dense.h"
#include "codec/gguf_blocks.h"
#include "codec/int_group.h"
#include "codec/nf4.h"
#include "codec/row_range.h"
#include "tensor/half.h"

namespace nibble::codec {
namespace {

constexpr std::size_t kRows = 5;
constexpr std::size_t kCols = 512;

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const CodecRow& row : codec_table()) {
    names.insert(names.end(), row.examples.begin(), row.examples.end());
  }
  return names;
}

/// Everything that a codec tells of a row on its grid, in room for the most that any does.
struct GridRow {
  explicit GridRow(std::size_t n_groups)
      : scales(n_groups),
        offsets(n_groups),
        super_scales(n_groups),
        super_offsets(n_groups),
        integer_scales(n_groups),
        integer_offsets(n_groups) {}
  bool operator==(const GridRow&) const = default;
  IntegerScales integers() {
    return {super_scales, super_offsets, integer_scales, integer_offsets};
  }

  std::vector<std::uint8_t> codes = std::vector<std::uint8_t>(kCols);
  std::vector<float> scales, offsets, super_scales, super_offsets;
  std::vector<std::int8_t> integer_scales, integer_offsets;
};

std::vector<std::uint8_t> random_bytes(std::size_t n, std::mt19937& rng) {
  std::vector<std::uint8_t> bytes(n);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(rng());
  }
  return bytes;
}

std::vector<float> random_floats(std::size_t n, std::mt19937& rng) {
  std::vector<float> values(n);
  std::uniform_real_distribution<float> uniform(0.25F, 2.0F);
  std::ranges::generate(values, [&] { return uniform(rng); });
  return values;
}

/// Random blocks whose float16 fields are finite: bytes that could be the upper half of one lose
/// their top exponent bit.
EncodedMatrix random_blocks(const std::shared_ptr<const BlockCodec>& codec, std::mt19937& rng) {
  const Shape shape{kRows, codec->row_bytes(kCols)};
  std::vector<std::uint8_t> bytes = random_bytes(shape[0] * shape[1], rng);
  for (std::uint8_t& byte : bytes) {
    byte &= 0xBF;
  }
  return block_matrix(codec, kRows, kCols, Tensor::from<std::uint8_t>(DType::kU8, shape, bytes));
}

EncodedMatrix random_int_group(const IntGroupFormat& format, std::mt19937& rng) {
  IntGroupCodes codes;
  codes.codes = random_bytes(kRows * kCols, rng);
  for (std::uint8_t& code : codes.codes) {
    code &= format.max_code();
  }
  codes.scales = random_floats(kRows * format.n_groups(kCols), rng);
  codes.zeros.assign(codes.scales.size(), static_cast<float>(format.middle()));
  if (format.zero != ZeroKind::kMiddle) {
    std::ranges::generate(codes.zeros,
                          [&] { return static_cast<float>(rng() & format.max_code()); });
  }
  if (format.is_permuted) {
    codes.order.resize(kCols);
    std::iota(codes.order.begin(), codes.order.end(), 0U);
    std::ranges::shuffle(codes.order, rng);
  }
  return pack_int_group(format, kRows, kCols, codes);
}

EncodedMatrix random_codebook(const CodebookFormat& format, std::mt19937& rng) {
  const std::size_t n_blocks = kRows * kCols / format.block;
  CodebookCodes codes;
  codes.codes = random_bytes(kRows * kCols, rng);
  for (std::uint8_t& code : codes.codes) {
    code &= 15U;
  }
  if (format.nested) {
    codes.absmax_u8 = random_bytes(n_blocks, rng);
    codes.nested_absmax = random_floats((n_blocks + kNestedBlock - 1) / kNestedBlock, rng);
    codes.nested_offset = 0.5F;
  } else {
    codes.absmax = random_floats(n_blocks, rng);
  }
  return pack_codebook(format, kRows, kCols, codes);
}

/// A matrix that this codec stores, with arbitrary codes.
EncodedMatrix random_matrix(const std::string& name) {
  std::mt19937 rng(20260101);
  if (const auto blocks = gguf_block_codec(name)) {
    return random_blocks(blocks, rng);
  }
  if (const auto format = int_group_from_name(name)) {
    return random_int_group(*format, rng);
  }
  if (const auto format = codebook_from_name(name)) {
    return random_codebook(*format, rng);
  }
  const DType dtype = name == "f32" ? DType::kF32 : name == "f16" ? DType::kF16 : DType::kBF16;
  Tensor values = Tensor::make(dtype, {kRows, kCols});
  const std::vector<float> floats = random_floats(kRows * kCols, rng);
  for (std::size_t i = 0; i < floats.size(); ++i) {
    if (dtype == DType::kF32) {
      values.mutable_as<float>()[i] = floats[i];
    } else {
      values.mutable_as<std::uint16_t>()[i] =
          dtype == DType::kF16 ? f32_to_f16(floats[i]) : f32_to_bf16(floats[i]);
    }
  }
  return dense_matrix(std::move(values));
}

class CodecConformance : public ::testing::TestWithParam<std::string> {
 protected:
  EncodedMatrix matrix_ = random_matrix(GetParam());
  const Codec& codec_ = *matrix_.codec;
};

TEST_P(CodecConformance, AcceptsItsOwnMatrix) {
  EXPECT_EQ(codec_.name(), GetParam());
  const auto valid = codec_.validate(matrix_);
  EXPECT_TRUE(valid) << valid.failure().message;
}

TEST_P(CodecConformance, BitsPerWeightAreTheBytesThatItStores) {
  const double bits = 8.0 * static_cast<double>(matrix_.n_bytes()) / (kRows * kCols);
  EXPECT_NEAR(codec_.bits_per_weight(kRows, kCols), bits, 0.01 * bits);
}

TEST_P(CodecConformance, DecodesFiniteValuesRowByRowAsAllAtOnce) {
  const std::vector<float> all = decode_all(matrix_);
  std::vector<float> row(kCols);
  for (std::size_t r = 0; r < kRows; ++r) {
    codec_.decode_rows(matrix_, r, 1, row.data());
    for (std::size_t c = 0; c < kCols; ++c) {
      ASSERT_TRUE(std::isfinite(row[c])) << r << ", " << c;
      ASSERT_EQ(row[c], all[r * kCols + c]) << r << ", " << c;
    }
  }
}

TEST_P(CodecConformance, GridAndRowsAgree) {
  const auto grid = codec_.grid(matrix_);
  if (!grid) {
    EXPECT_THROW(codec_.unpack_row(matrix_, 0, {}, {}, {}), Error);
    return;
  }
  ASSERT_LE(grid->bits, 8U);
  ASSERT_GT(grid->group, 0U);
  const std::size_t n_groups = (kCols + grid->group - 1) / grid->group;
  const std::vector<float> all = decode_all(matrix_);
  std::vector<std::uint8_t> codes(kCols);
  std::vector<float> scales(n_groups), offsets(n_groups);
  for (std::size_t r = 0; r < kRows; ++r) {
    codec_.unpack_row(matrix_, r, codes, scales, offsets);
    for (std::size_t c = 0; c < kCols; ++c) {
      ASSERT_LT(codes[c], 1U << grid->bits);
      const std::size_t g = c / grid->group;
      const double level = grid->codebook ? double{(*grid->codebook)[codes[c]]} : codes[c];
      const double offset = grid->has_offsets ? double{offsets[g]} : 0.0;
      const double value = double{scales[g]} * level + offset;
      const double bound = 1e-6 * (std::abs(double{scales[g]} * level) + std::abs(offset)) + 1e-30;
      const std::size_t column = grid->order.empty() ? c : static_cast<std::size_t>(grid->order[c]);
      ASSERT_NEAR(value, double{all[r * kCols + column]}, bound) << r << ", " << c;
    }
  }
}

TEST_P(CodecConformance, IntegerScalesMultiplyToTheScales) {
  const auto grid = codec_.grid(matrix_);
  if (!grid || grid->groups_per_super == 0) {
    return;
  }
  const std::size_t n_groups = kCols / grid->group;
  const std::size_t n_supers = n_groups / grid->groups_per_super;
  std::vector<std::uint8_t> codes(kCols);
  std::vector<float> scales(n_groups), offsets(n_groups);
  std::vector<float> super_scales(n_supers), super_offsets(n_supers);
  std::vector<std::int8_t> integer_scales(n_groups), integer_offsets(n_groups);
  for (std::size_t r = 0; r < kRows; ++r) {
    codec_.unpack_row(matrix_, r, codes, scales, offsets);
    codec_.unpack_integer_scales(
        matrix_, r, {super_scales, super_offsets, integer_scales, integer_offsets});
    const bool has_mins = std::ranges::any_of(integer_offsets, [](int min) { return min != 0; });
    for (std::size_t g = 0; g < n_groups; ++g) {
      const std::size_t s = g / grid->groups_per_super;
      EXPECT_EQ(super_scales[s] * static_cast<float>(integer_scales[g]), scales[g]);
      if (has_mins) {
        EXPECT_EQ(super_offsets[s] * static_cast<float>(integer_offsets[g]), offsets[g]);
      }
    }
  }
}

TEST_P(CodecConformance, ARangeOfRowsGivesWhatTheWholeGives) {
  constexpr std::size_t kFirst = 2;
  const EncodedMatrix part = row_range(matrix_, kFirst, kRows - kFirst);
  const std::vector<float> all = decode_all(matrix_);
  EXPECT_EQ(decode_all(part), std::vector<float>(all.begin() + kFirst * kCols, all.end()));
  const auto grid = part.codec->grid(part);
  ASSERT_EQ(grid.has_value(), codec_.grid(matrix_).has_value());
  if (!grid) {
    return;
  }
  const std::size_t n_groups = (kCols + grid->group - 1) / grid->group;
  for (std::size_t r = 0; r < part.rows; ++r) {
    GridRow got(n_groups);
    GridRow wanted(n_groups);
    part.codec->unpack_row(part, r, got.codes, got.scales, got.offsets);
    codec_.unpack_row(matrix_, kFirst + r, wanted.codes, wanted.scales, wanted.offsets);
    if (grid->groups_per_super != 0) {
      part.codec->unpack_integer_scales(part, r, got.integers());
      codec_.unpack_integer_scales(matrix_, kFirst + r, wanted.integers());
    }
    EXPECT_EQ(got, wanted) << "row " << r;
  }
  EXPECT_TRUE(std::ranges::equal(grid->order, codec_.grid(matrix_)->order));
}

TEST_P(CodecConformance, RefusesEachPartWhenItIsMissingOrRenamedOrCut) {
  for (std::size_t i = 0; i < matrix_.parts.size(); ++i) {
    EncodedMatrix missing = matrix_;
    missing.parts.erase(missing.parts.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(codec_.validate(missing)) << matrix_.parts[i].name;

    EncodedMatrix renamed = matrix_;
    renamed.parts[i].name = "other";
    EXPECT_FALSE(codec_.validate(renamed)) << matrix_.parts[i].name;

    const Tensor& tensor = matrix_.parts[i].tensor;
    EncodedMatrix cut = matrix_;
    Shape shape = tensor.shape();
    shape.back() += 1;
    cut.parts[i].tensor = Tensor::make(tensor.dtype(), shape);
    EXPECT_FALSE(codec_.validate(cut)) << matrix_.parts[i].name;
    shape.back() -= 2;
    cut.parts[i].tensor = Tensor::make(tensor.dtype(), shape);
    EXPECT_FALSE(codec_.validate(cut)) << matrix_.parts[i].name;

    EncodedMatrix mistyped = matrix_;
    mistyped.parts[i].tensor = Tensor::make(DType::kI64, tensor.shape());
    EXPECT_FALSE(codec_.validate(mistyped)) << matrix_.parts[i].name;
  }
}

TEST_P(CodecConformance, RefusesOtherRowsAndColumns) {
  EncodedMatrix other = matrix_;
  other.rows += 1;
  EXPECT_FALSE(codec_.validate(other));
  other = matrix_;
  other.cols -= 256;
  EXPECT_FALSE(codec_.validate(other));
}

TEST_P(CodecConformance, AllZeroBytesDecodeToFiniteValues) {
  EncodedMatrix zeros = matrix_;
  for (Part& part : zeros.parts) {
    if (part.name == "order") {
      continue;  // must remain a permutation
    }
    part.tensor = Tensor::make(part.tensor.dtype(), part.tensor.shape());
  }
  ASSERT_TRUE(codec_.validate(zeros));
  for (const float value : decode_all(zeros)) {
    ASSERT_EQ(value, 0.0F);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCodec,
                         CodecConformance,
                         ::testing::ValuesIn(all_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nibble::codec
