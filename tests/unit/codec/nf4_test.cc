#include "codec/nf4.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "support/quant_golden.h"

namespace nibble::codec {
namespace {

using nibble::testing::quant_golden;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

EncodedMatrix worked_block() {
  return pack_codebook(
      {Codebook::kNf4, 64}, 1, 8, {.codes = {10, 6, 12, 0, 7, 8, 6, 14}, .absmax = {2.0F}});
}

EncodedMatrix nested_matrix() {
  CodebookCodes codes;
  codes.codes.assign(300 * 64, 15);
  codes.absmax_u8.assign(300, 127);  // 0 on the map
  codes.absmax_u8[299] = 255;        // 1 on the map
  codes.nested_absmax = {0.25F, 0.5F};
  codes.nested_offset = 2.0F;
  return pack_codebook({Codebook::kNf4, 64, true}, 300, 64, codes);
}

std::string failure_of(const EncodedMatrix& matrix) {
  const auto result = matrix.codec->validate(matrix);
  return result ? "valid" : result.failure().message;
}

TEST(CodebookName, GrammarRoundTrips) {
  for (const std::string_view name : {"nf4b64", "nf4b64dq", "fp4b128", "fp4b4096dq"}) {
    const auto format = codebook_from_name(name);
    ASSERT_TRUE(format) << name;
    EXPECT_EQ(codebook_name(*format), name);
  }
  for (const std::string_view name :
       {"nf4", "nf4b", "nf4b63", "nf4b16", "nf4b64d", "nf5b64", "NF4b64", "nf4b064"}) {
    EXPECT_FALSE(codebook_from_name(name)) << name;
  }
}

TEST(Codebook, TablesEqualThoseOfBitsandbytes) {
  NIBBLE_NEEDS_FILE(path, quant_golden("nf4.safetensors"));
  const nibble::testing::GoldenTensors golden(path);
  const auto equals = [](const auto& table, const std::vector<float>& wanted) {
    return std::ranges::equal(table, wanted);
  };
  EXPECT_TRUE(equals(codebook_values(Codebook::kNf4), golden.at("nf4.code").values));
  EXPECT_TRUE(equals(codebook_values(Codebook::kFp4), golden.at("fp4.code").values));
  EXPECT_TRUE(equals(dynamic_map(), golden.at("dynamic256").values));
}

TEST(Codebook, DynamicMapAsDocumented) {
  const auto& map = dynamic_map();
  EXPECT_FLOAT_EQ(map[0], -0.99296875F);
  EXPECT_FLOAT_EQ(map[126], -5.5e-7F);
  EXPECT_EQ(map[127], 0.0F);
  EXPECT_FLOAT_EQ(map[130], 7.75e-6F);
  EXPECT_EQ(map[255], 1.0F);
  EXPECT_TRUE(std::ranges::is_sorted(map));
}

TEST(Codebook, WorkedBlock) {
  const auto matrix = worked_block();
  EXPECT_THAT(matrix.part("codes")->as<std::uint8_t>(), ElementsAre(0xA6, 0xC0, 0x78, 0x6E));
  const std::vector<float> wanted = {
      0.492225F, -0.182100F, 0.881420F, -2.0F, 0.0F, 0.159161F, -0.182100F, 1.445914F};
  EXPECT_THAT(decode_all(matrix), Pointwise(FloatNear(1e-6F), wanted));
}

TEST(Codebook, NestedMaximaComeFromMapBlockAndOffset) {
  const auto matrix = nested_matrix();
  ASSERT_TRUE(matrix.codec->validate(matrix));
  std::vector<float> rows(2 * 64);
  matrix.codec->decode_rows(matrix, 298, 2, rows.data());
  EXPECT_EQ(rows[0], 2.0F);   // 0 * 0.5 + 2
  EXPECT_EQ(rows[64], 2.5F);  // 1 * 0.5 + 2
}

TEST(Codebook, OddNumberOfWeightsFillsTheLastNibbleWithZero) {
  const auto nf4 =
      pack_codebook({Codebook::kNf4, 64}, 1, 3, {.codes = {1, 2, 3}, .absmax = {1.0F}});
  EXPECT_THAT(nf4.part("codes")->as<std::uint8_t>(), ElementsAre(0x12, 0x37));
  const auto fp4 =
      pack_codebook({Codebook::kFp4, 64}, 1, 3, {.codes = {1, 2, 3}, .absmax = {1.0F}});
  EXPECT_THAT(fp4.part("codes")->as<std::uint8_t>(), ElementsAre(0x12, 0x30));
}

TEST(Codebook, RowsThatStartInsideAByteOrABlockDecodeAlone) {
  CodebookCodes codes;
  for (std::size_t i = 0; i < 5 * 25; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(i % 16));
  }
  codes.absmax = {1.0F, 2.0F, 3.0F, 4.0F};
  const auto matrix = pack_codebook({Codebook::kNf4, 32}, 5, 25, codes);
  const auto all = decode_all(matrix);
  for (std::size_t r = 0; r < 5; ++r) {
    std::vector<float> row(25);
    matrix.codec->decode_rows(matrix, r, 1, row.data());
    EXPECT_TRUE(
        std::equal(row.begin(), row.end(), all.begin() + static_cast<std::ptrdiff_t>(25 * r)))
        << r;
  }
  EXPECT_FALSE(matrix.codec->grid(matrix)) << "blocks cross rows";
}

TEST(Codebook, GridAgreesWithDecodingWhereBlocksKeepToRows) {
  const auto matrix = nested_matrix();
  const auto grid = matrix.codec->grid(matrix);
  ASSERT_TRUE(grid);
  EXPECT_EQ(grid->group, 64U);
  std::vector<std::uint8_t> codes(64);
  std::vector<float> scales(1);
  std::vector<float> offsets(1, 9.0F);
  matrix.codec->unpack_row(matrix, 299, codes, scales, offsets);
  EXPECT_EQ(scales[0] * (*grid->codebook)[codes[5]] + offsets[0], 2.5F);
}

TEST(Codebook, BitsPerWeight) {
  const auto bits = [](std::string_view name) {
    return codebook_codec(*codebook_from_name(name))->bits_per_weight(4096, 4096);
  };
  EXPECT_DOUBLE_EQ(bits("nf4b64"), 4.5);
  EXPECT_NEAR(bits("nf4b64dq"), 4.0 + 8.0 / 64.0 + 32.0 / 16384.0, 1e-5);
  const auto matrix = nested_matrix();
  EXPECT_DOUBLE_EQ(matrix.codec->bits_per_weight(300, 64),
                   8.0 * static_cast<double>(matrix.n_bytes()) / (300 * 64));
}

TEST(Codebook, PartsFromOutsideAreChecked) {
  auto matrix = worked_block();
  matrix.cols = 10;
  EXPECT_THAT(failure_of(matrix), HasSubstr("part 'codes': expected shape [5], found [4]"));

  matrix = nested_matrix();
  matrix.parts.pop_back();
  EXPECT_THAT(failure_of(matrix), HasSubstr("found 3 parts"));

  matrix = nested_matrix();
  matrix.parts[1].tensor = Tensor::make(DType::kF32, {300});
  EXPECT_THAT(failure_of(matrix), HasSubstr("part 'absmax': expected dtype U8, found F32"));

  matrix = worked_block();
  const float infinity = std::numeric_limits<float>::infinity();
  matrix.parts[1].tensor = Tensor::from<float>(DType::kF32, {1}, std::vector{infinity});
  EXPECT_THAT(failure_of(matrix), HasSubstr("part 'absmax': element 0 is not finite"));

  matrix = worked_block();
  matrix.rows = std::size_t{1} << 62;
  EXPECT_THAT(failure_of(matrix), HasSubstr("is too large"));
}

}  // namespace
}  // namespace nibble::codec
