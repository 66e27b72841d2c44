#include "codec/int_group.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "codec/codecs.h"

namespace nibble::codec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Two rows of five weights in groups that the name gives; every parameter representable.
EncodedMatrix small_matrix(std::string_view name, std::size_t cols = 10) {
  const auto format = *int_group_from_name(name);
  const std::size_t n_groups = format.n_groups(cols);
  IntGroupCodes codes;
  for (std::size_t i = 0; i < 2 * cols; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(i % (format.max_code() + 1U)));
  }
  for (std::size_t i = 0; i < 2 * n_groups; ++i) {
    codes.scales.push_back(0.5F * static_cast<float>(i + 1));
    codes.zeros.push_back(format.zero == ZeroKind::kMiddle    ? static_cast<float>(format.middle())
                          : format.zero == ZeroKind::kInteger ? 1.0F
                                                              : 1.5F);
  }
  for (std::size_t p = 0; format.is_permuted && p < cols; ++p) {
    codes.order.push_back(static_cast<std::uint32_t>(cols - 1 - p));
  }
  return pack_int_group(format, 2, cols, codes);
}

void replace_part(EncodedMatrix& matrix, std::string_view name, Tensor tensor) {
  for (Part& part : matrix.parts) {
    if (part.name == name) {
      part.tensor = std::move(tensor);
    }
  }
}

std::string failure_of(const EncodedMatrix& matrix) {
  const auto result = matrix.codec->validate(matrix);
  return result ? "valid" : result.failure().message;
}

TEST(IntGroupName, GrammarRoundTrips) {
  for (const std::string_view name : {"int4g64a",
                                      "int4g128s",
                                      "int4g128pah",
                                      "int4g64f",
                                      "int8ca",
                                      "int2g16fh",
                                      "int3g8sh",
                                      "int8cs",
                                      "int5g65536a"}) {
    const auto format = int_group_from_name(name);
    ASSERT_TRUE(format) << name;
    EXPECT_EQ(int_group_name(*format), name);
  }
  EXPECT_EQ(int_group_from_name("int4g64a"),
            (IntGroupFormat{4, 64, ZeroKind::kInteger, DType::kF32}));
  EXPECT_EQ(int_group_from_name("int8csh"), (IntGroupFormat{8, 0, ZeroKind::kMiddle, DType::kF16}));
}

TEST(IntGroupName, EverythingElseIsRefused) {
  for (const std::string_view name : {"",
                                      "int",
                                      "int4",
                                      "int1g64a",
                                      "int9g64a",
                                      "int4g64",
                                      "int4g64x",
                                      "int4g0a",
                                      "int4g12a",
                                      "int4g065a",
                                      "int4g64ahh",
                                      "int4g99999999999999999999a",
                                      "int4g131072a",
                                      "int04g64a",
                                      "INT4g64a",
                                      "int4g64a ",
                                      "int4g-64a",
                                      "int4cpa",
                                      "int4g64ap",
                                      "int4g64c"}) {
    EXPECT_FALSE(int_group_from_name(name)) << name;
  }
}

TEST(IntGroup, DecodesAsDocumented) {
  const auto matrix = small_matrix("int4g8a");
  EXPECT_TRUE(matrix.codec->validate(matrix));
  // Row 0: codes 0 … 9, zero 1, scale 0.5 for eight and 1 for the ragged two.
  std::vector<float> row(10);
  matrix.codec->decode_rows(matrix, 0, 1, row.data());
  EXPECT_THAT(row, ElementsAre(-0.5F, 0, 0.5F, 1, 1.5F, 2, 2.5F, 3, 7, 8));
}

TEST(IntGroup, GroupsOfAnotherOrderOfTheInputs) {
  // Codes 0 … 9, zero 1; the first group is the inputs 9 … 2 with scale 0.5, the last one 1 and 0
  // with scale 1.
  auto matrix = small_matrix("int4g8pa");
  EXPECT_TRUE(matrix.codec->validate(matrix));
  std::vector<float> row(10);
  matrix.codec->decode_rows(matrix, 0, 1, row.data());
  EXPECT_THAT(row, ElementsAre(-1, 0, 0.5F, 1, 1.5F, 2, 2.5F, 3, 3.5F, 4));
  const auto unpacked = unpack_int_group(matrix);
  EXPECT_EQ(unpacked.codes[3], 3U);
  EXPECT_EQ(unpacked.order.front(), 9U);
  std::vector<std::uint8_t> codes(10);
  std::vector<float> scales(2), offsets(2);
  matrix.codec->unpack_row(matrix, 0, codes, scales, offsets);
  EXPECT_THAT(codes, ElementsAre(9, 8, 7, 6, 5, 4, 3, 2, 1, 0));

  matrix.parts.back().tensor.mutable_as<std::int32_t>()[1] = 9;
  EXPECT_THAT(failure_of(matrix),
              HasSubstr("part 'order': element 1 is 9, expected each of the 10 inputs once"));
  matrix.parts.back().tensor.mutable_as<std::int32_t>()[1] = -1;
  EXPECT_THAT(failure_of(matrix), HasSubstr("element 1 is -1"));
}

TEST(IntGroup, SymmetricZeroIsTheMiddleCodeAndNotStored) {
  const auto matrix = small_matrix("int3cs", 8);
  EXPECT_EQ(matrix.part("zeros"), nullptr);
  std::vector<float> row(8);
  matrix.codec->decode_rows(matrix, 0, 1, row.data());
  EXPECT_THAT(row, ElementsAre(-2, -1.5F, -1, -0.5F, 0, 0.5F, 1, 1.5F));
}

TEST(IntGroup, GridAgreesWithDecoding) {
  for (const std::string_view name : {"int4g8a", "int2g8s", "int8g8f", "int3cah", "int6g16fh"}) {
    SCOPED_TRACE(name);
    const auto matrix = small_matrix(name, 21);
    const auto grid = matrix.codec->grid(matrix);
    ASSERT_TRUE(grid);
    const auto decoded = decode_all(matrix);
    const std::size_t n_groups = (21 + grid->group - 1) / grid->group;
    std::vector<std::uint8_t> codes(21);
    std::vector<float> scales(n_groups);
    std::vector<float> offsets(n_groups);
    for (std::size_t r = 0; r < 2; ++r) {
      matrix.codec->unpack_row(matrix, r, codes, scales, offsets);
      for (std::size_t c = 0; c < 21; ++c) {
        const std::size_t g = c / grid->group;
        EXPECT_FLOAT_EQ(scales[g] * codes[c] + offsets[g], decoded[r * 21 + c]);
      }
    }
  }
}

TEST(IntGroup, PackingAndUnpackingAreInverse) {
  for (const std::string_view name : {"int4g8a", "int5g16s", "int8cfh"}) {
    SCOPED_TRACE(name);
    const auto matrix = small_matrix(name, 19);
    const auto codes = unpack_int_group(matrix);
    const auto again = pack_int_group(*int_group_from_name(name), 2, 19, codes);
    ASSERT_EQ(again.parts.size(), matrix.parts.size());
    for (const Part& part : matrix.parts) {
      EXPECT_TRUE(std::ranges::equal(part.tensor.bytes(), again.part(part.name)->bytes()))
          << part.name;
    }
  }
}

TEST(IntGroup, BitsPerWeightCountWhatIsStored) {
  const auto bits = [](std::string_view name, std::size_t rows, std::size_t cols) {
    return int_group_codec(*int_group_from_name(name))->bits_per_weight(rows, cols);
  };
  EXPECT_DOUBLE_EQ(bits("int4g64fh", 8, 576), 4.5);
  EXPECT_DOUBLE_EQ(bits("int2g16fh", 8, 576), 4.0);
  EXPECT_DOUBLE_EQ(bits("int4g64a", 8, 576), 4.0 + 40.0 / 64.0);
  EXPECT_DOUBLE_EQ(bits("int4g128s", 8, 576),
                   4.0 + 5.0 * 32.0 / 576.0);  // ragged: five groups a row
  for (const std::string_view name : {"int4g8a", "int3g16sh", "int7cf"}) {
    const auto matrix = small_matrix(name, 21);
    EXPECT_DOUBLE_EQ(bits(name, 2, 21), 8.0 * static_cast<double>(matrix.n_bytes()) / 42.0) << name;
  }
}

TEST(IntGroup, PartsFromOutsideAreChecked) {
  const auto good = small_matrix("int4g8a");
  auto matrix = good;
  matrix.parts.pop_back();
  EXPECT_THAT(failure_of(matrix),
              HasSubstr("int4g8a has the parts codes, scales, zeros; found 2 parts"));

  matrix = good;
  replace_part(matrix, "codes", Tensor::make(DType::kU8, {2, 4}));
  EXPECT_THAT(failure_of(matrix), HasSubstr("part 'codes': expected shape [2, 5], found [2, 4]"));

  matrix = good;
  replace_part(matrix, "scales", Tensor::make(DType::kF16, {2, 2}));
  EXPECT_THAT(failure_of(matrix), HasSubstr("part 'scales': expected dtype F32, found F16"));

  matrix = good;
  replace_part(
      matrix,
      "zeros",
      Tensor::from<std::uint8_t>(DType::kU8, {2, 2}, std::vector<std::uint8_t>{1, 2, 16, 3}));
  EXPECT_THAT(failure_of(matrix), HasSubstr("part 'zeros': element 2 is 16, expected at most 15"));

  matrix = good;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  replace_part(
      matrix, "scales", Tensor::from<float>(DType::kF32, {2, 2}, std::vector<float>{1, nan, 1, 1}));
  EXPECT_THAT(failure_of(matrix), HasSubstr("part 'scales': element 1 is not finite"));

  matrix = good;
  matrix.rows = 3;
  EXPECT_EQ(matrix.codec->validate(matrix).failure().code, ErrorCode::kShapeMismatch);
}

TEST(StoredParameter, HalfRoundsAndSaturates) {
  EXPECT_EQ(stored_parameter(0.1F, DType::kF32), 0.1F);
  EXPECT_EQ(stored_parameter(0.1F, DType::kF16), 0.0999755859375F);
  EXPECT_EQ(stored_parameter(1e9F, DType::kF16), 65504.0F);
  EXPECT_EQ(stored_parameter(-1e9F, DType::kF16), -65504.0F);
}

}  // namespace
}  // namespace nibble::codec
