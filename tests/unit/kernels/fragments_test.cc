#include "kernels/fragments.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "codec/dense.h"
#include "support/grid_codec.h"
#include "tensor/half.h"

namespace nibble::kernels {
namespace {

using nibble::testing::GridCodec;
using nibble::testing::kTopScale;

struct GridKind {
  const char* name;
  std::size_t bits;
  std::size_t group;
  bool has_offsets;
  bool common_zero;
  bool has_codebook;
  FragmentFormat wanted;
};

constexpr GridKind kGridKinds[] = {
    {"int4 symmetric", 4, 128, true, true, false, FragmentFormat::kCode4},
    {"int4 with offsets", 4, 32, true, false, false, FragmentFormat::kCode4},
    {"int3 with offsets", 3, 64, true, false, false, FragmentFormat::kCode4},
    {"int2 symmetric", 2, 16, true, true, false, FragmentFormat::kCode4},
    {"codebook", 4, 64, false, false, true, FragmentFormat::kLut4},
    {"int8 symmetric", 8, 64, true, true, false, FragmentFormat::kCode8},
    {"int6 with offsets", 6, 16, true, false, false, FragmentFormat::kCode8},
    {"int5 symmetric", 5, 192, true, true, false, FragmentFormat::kCode8},
    {"groups of 40 columns", 4, 40, true, true, false, FragmentFormat::kHalf},
};

codec::EncodedMatrix grid_matrix(const GridKind& kind,
                                 std::size_t rows,
                                 std::size_t cols,
                                 std::uint32_t seed) {
  codec::Grid grid{
      .bits = kind.bits, .group = kind.group, .has_offsets = kind.has_offsets, .codebook = {}};
  if (kind.has_codebook) {
    std::array<float, 16> levels{};
    std::iota(levels.begin(), levels.end(), -7.4F);
    grid.codebook = levels;
  }
  return {std::make_shared<GridCodec>(grid, cols, kind.common_zero, seed), rows, cols, {}};
}

class FragmentsOf : public ::testing::TestWithParam<GridKind> {};

TEST_P(FragmentsOf, GiveBackTheMatrix) {
  ThreadPool pool(2);
  for (const auto& [rows, cols] :
       {std::pair<std::size_t, std::size_t>{1, 8}, {16, 64}, {17, 200}, {40, 576}}) {
    const codec::EncodedMatrix matrix = grid_matrix(GetParam(), rows, cols, 7);
    const std::vector sources = {matrix};
    const Fragments packed = pack_fragments(sources, stacked_rows(sources), pool);
    EXPECT_EQ(packed.format, GetParam().wanted);
    const std::size_t of_offsets = packed.offsets.empty() && GetParam().has_offsets
                                       ? packed.scales.size() * sizeof(std::uint16_t)
                                       : 0;
    EXPECT_EQ(packed_bytes(sources, rows), packed.n_bytes() + of_offsets);
    EXPECT_EQ(packed.offsets.empty(),
              packed.format == FragmentFormat::kHalf || !GetParam().has_offsets ||
                  GetParam().common_zero);
    const std::vector<float> exact = codec::decode_all(matrix);
    std::vector<float> row(cols);
    // Scales and offsets keep 11 bits; levels reach 2^bits.
    const double most = kTopScale * std::ldexp(1.0, static_cast<int>(GetParam().bits));
    for (std::size_t r = 0; r < rows; ++r) {
      unpack_fragment_row(packed, r, row.data());
      for (std::size_t c = 0; c < cols; ++c) {
        ASSERT_NEAR(row[c], exact[r * cols + c], 2.0 * std::ldexp(most, -11)) << r << ", " << c;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, FragmentsOf, ::testing::ValuesIn(kGridKinds), [](const auto& row) {
  std::string name = row.param.name;
  std::ranges::replace(name, ' ', '_');
  return name;
});

/// A tile by hand: codes of the header's specification.
TEST(Fragments, LayFourBitCodesAsTheMatrixUnitsReadThem) {
  ThreadPool pool(1);
  const std::vector sources = {grid_matrix(kGridKinds[0], 16, 64, 3)};
  const Fragments packed = pack_fragments(sources, stacked_rows(sources), pool);
  std::vector<std::uint8_t> upper(64), lower(64);
  std::vector<float> scales(1), offsets(1);
  sources[0].codec->unpack_row(sources[0], 2, upper, scales, offsets);
  sources[0].codec->unpack_row(sources[0], 10, lower, scales, offsets);
  // Lane 9 holds rows 2 and 10, columns 16 to 31; word 1 of them 20 to 23.
  const std::byte* word = packed.codes.data() + 9 * 16 + 4;
  EXPECT_EQ(word[0], static_cast<std::byte>(upper[20] | lower[20] << 4));
  EXPECT_EQ(word[1], static_cast<std::byte>(upper[22] | lower[22] << 4));
  EXPECT_EQ(word[2], static_cast<std::byte>(upper[21] | lower[21] << 4));
  EXPECT_EQ(word[3], static_cast<std::byte>(upper[23] | lower[23] << 4));
  EXPECT_EQ(packed.zero, 8);
}

TEST(Fragments, RowsTakeTurnsOfEight) {
  const codec::EncodedMatrix first = grid_matrix(kGridKinds[0], 16, 64, 1);
  const codec::EncodedMatrix second = grid_matrix(kGridKinds[0], 16, 64, 2);
  const auto rows = interleaved_rows(first, second);
  ASSERT_EQ(rows.size(), 32U);
  EXPECT_EQ(rows[7].source, 0U);
  EXPECT_EQ(rows[8].source, 1U);
  EXPECT_EQ(rows[8].row, 0U);
  EXPECT_EQ(rows[16].source, 0U);
  EXPECT_EQ(rows[16].row, 8U);
}

TEST(Fragments, SourcesOfDifferentGridsShareTheFinest) {
  ThreadPool pool(1);
  const std::vector sources = {grid_matrix(kGridKinds[0], 8, 128, 1),
                               grid_matrix(kGridKinds[6], 8, 128, 2)};
  const Fragments packed = pack_fragments(sources, stacked_rows(sources), pool);
  EXPECT_EQ(packed.format, FragmentFormat::kCode8);
  EXPECT_EQ(packed.group, 16U);
  std::vector<float> row(128);
  for (std::size_t r = 0; r < 16; ++r) {
    const std::vector<float> exact = codec::decode_all(sources[r / 8]);
    unpack_fragment_row(packed, r, row.data());
    for (std::size_t c = 0; c < 128; ++c) {
      ASSERT_NEAR(row[c], exact[r % 8 * 128 + c], 1e-3);
    }
  }
}

TEST(Fragments, LargeDenseWeightsStayFinite) {
  ThreadPool pool(1);
  std::vector<float> values(8 * 64, 1.0F);
  values[5] = 1e6F;
  Tensor tensor = Tensor::make(DType::kF32, {8, 64});
  std::ranges::copy(values, tensor.mutable_as<float>().begin());
  const std::vector sources = {codec::dense_matrix(std::move(tensor))};
  const Fragments packed = pack_fragments(sources, stacked_rows(sources), pool);
  std::vector<float> row(64);
  unpack_fragment_row(packed, 0, row.data());
  EXPECT_NEAR(row[5], 1e6F, 1e3F);
  EXPECT_NEAR(row[4], 1.0F, 1e-3F);
}

TEST(Fragments, RefuseColumnsThatNoVectorHolds) {
  ThreadPool pool(1);
  const std::vector sources = {grid_matrix(kGridKinds[0], 8, 60, 1)};
  EXPECT_THROW(pack_fragments(sources, stacked_rows(sources), pool), Error);
}

}  // namespace
}  // namespace nibble::kernels
