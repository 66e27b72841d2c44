#include "quant/unpacked.h"

#include <gmock/gmock.h>

#include "codec/dense.h"
#include "codec/int_group.h"
#include "codec/nf4.h"

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> names_of(const std::vector<codec::Part>& parts) {
  std::vector<std::string> out;
  for (const auto& part : parts) {
    out.push_back(part.name);
  }
  return out;
}

TEST(Unpacked, IntegerGroups) {
  const auto format = *codec::int_group_from_name("int4g8s");
  const auto matrix = codec::pack_int_group(
      format, 1, 10, {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1.0F, 2.0F}, {8.0F, 8.0F}});
  const auto parts = unpacked_parts(matrix);
  EXPECT_THAT(names_of(parts), ElementsAre("codes", "scales", "zeros", "dequantized"));
  EXPECT_THAT(parts[0].tensor.as<std::uint8_t>(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(parts[1].tensor.shape(), (Shape{1, 2}));
  EXPECT_THAT(parts[2].tensor.as<std::uint8_t>(), ElementsAre(8, 8));
  EXPECT_THAT(parts[3].tensor.as<float>(), ElementsAre(-8, -7, -6, -5, -4, -3, -2, -1, 0, 2));
}

TEST(Unpacked, GroupsOfAnotherOrderComeWithTheGroupOfEachInput) {
  const auto format = *codec::int_group_from_name("int4g8ps");
  codec::IntGroupCodes codes{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1.0F, 2.0F}, {8.0F, 8.0F}};
  codes.order = {9, 1, 2, 3, 4, 5, 6, 7, 8, 0};
  const auto parts = unpacked_parts(codec::pack_int_group(format, 1, 10, codes));
  EXPECT_THAT(parts[0].tensor.as<std::uint8_t>(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  ASSERT_EQ(parts[3].name, "g_idx");
  EXPECT_THAT(parts[3].tensor.as<std::int32_t>(), ElementsAre(1, 0, 0, 0, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(parts[4].tensor.as<float>(), ElementsAre(-16, -7, -6, -5, -4, -3, -2, -1, 0, 1));
}

TEST(Unpacked, RealZerosStayReal) {
  const auto format = *codec::int_group_from_name("int2g8f");
  const auto parts = unpacked_parts(codec::pack_int_group(format, 1, 2, {{0, 3}, {2.0F}, {0.5F}}));
  EXPECT_THAT(parts[2].tensor.as<float>(), ElementsAre(0.5F));
  EXPECT_THAT(parts[3].tensor.as<float>(), ElementsAre(-1.0F, 5.0F));
}

TEST(Unpacked, NestedCodebookShowsTheMaximaThatDecodingUses) {
  codec::CodebookCodes codes;
  codes.codes = {0, 7, 15};
  codes.absmax_u8 = {255};
  codes.nested_absmax = {0.5F};
  codes.nested_offset = 1.0F;
  const auto parts =
      unpacked_parts(codec::pack_codebook({codec::Codebook::kNf4, 64, true}, 1, 3, codes));
  EXPECT_THAT(names_of(parts),
              ElementsAre("codes",
                          "codebook",
                          "absmax",
                          "absmax_u8",
                          "nested_absmax",
                          "nested_offset",
                          "dequantized"));
  EXPECT_THAT(parts[2].tensor.as<float>(), ElementsAre(1.5F));
  EXPECT_THAT(parts[6].tensor.as<float>(), ElementsAre(-1.5F, 0.0F, 1.5F));
}

TEST(Unpacked, OtherCodecsKeepTheirParts) {
  const auto parts = unpacked_parts(
      codec::dense_matrix(Tensor::from<float>(DType::kF32, {1, 2}, std::vector{1.0F, 2.0F})));
  EXPECT_THAT(names_of(parts), ElementsAre("values", "dequantized"));
}

}  // namespace
}  // namespace nibble::quant
