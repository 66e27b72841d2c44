#include "kernels/panels.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <span>

#include "base/error.h"
#include "codec/dense.h"

namespace nibble::kernels {
namespace {

TEST(GroupShape, SplitsGroupsIntoBlocks) {
  const GroupShape wide = make_group_shape(200, 64);  // groups of 64, 64, 64 and 8
  EXPECT_EQ(wide.block, 32U);
  EXPECT_EQ(wide.blocks_per_group, 2U);
  EXPECT_EQ(wide.n_groups, 4U);
  EXPECT_EQ(wide.n_blocks, 7U);
  EXPECT_EQ(make_group_shape(64, 16).block, 16U);
  EXPECT_EQ(make_group_shape(64, 1000).n_groups, 1U);
}

TEST(GroupShape, BlocksCoverEveryColumnOnceAndCrossNoGroup) {
  for (std::size_t cols = 1; cols < 150; cols += 7) {
    for (const std::size_t group : {5U, 16U, 24U, 32U, 64U, 100U, 1000U}) {
      const GroupShape shape = make_group_shape(cols, group);
      std::size_t next = 0;
      for (std::size_t b = 0; b < shape.n_blocks; ++b) {
        const BlockColumns columns = block_columns(shape, b);
        EXPECT_EQ(columns.first, next);
        EXPECT_GE(columns.n, 1U);
        EXPECT_LE(columns.n, shape.block);
        EXPECT_EQ(columns.first / shape.group, (columns.first + columns.n - 1) / shape.group);
        EXPECT_EQ(columns.first / shape.group, b / shape.blocks_per_group);
        next += columns.n;
      }
      EXPECT_EQ(next, cols) << "group " << group;
    }
  }
}

TEST(PanelStorage, IsZeroedAndAligned) {
  const PanelStorage small(100);
  const PanelStorage large((std::size_t{2} << 20) + 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(small.data()) % 64, 0U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large.data()) % 64, 0U);
  EXPECT_EQ(large.size(), (std::size_t{2} << 20) + 1);
  for (std::size_t i = 0; i < small.size(); ++i) {
    EXPECT_EQ(small.data()[i], std::byte{0});
  }
}

TEST(PanelStorage, PiecesOfARegionAreApartAndOutliveEachOther) {
  PanelStorage first(100'000);
  const PanelStorage second(100'000);
  const std::span<std::byte> bytes(second.data(), second.size());
  std::ranges::fill(bytes, std::byte{7});
  EXPECT_TRUE(second.data() >= first.data() + first.size() ||
              first.data() >= second.data() + second.size());
  first = PanelStorage();
  EXPECT_EQ(first.data(), nullptr);
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{7}; }));
  const PanelStorage third(100'000);
  EXPECT_EQ(third.data()[50'000], std::byte{0}) << "zeroed, whatever lay there";
}

TEST(PanelStorage, OfMoreThanThereIsFails) {
  EXPECT_THROW(PanelStorage(std::size_t{1} << 60), Error);
}

TEST(Panels, HoldFloatsColumnByColumn) {
  ThreadPool pool(2);
  std::vector<float> values(18 * 3);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i);
  }
  const Panels panels =
      pack_panels(codec::dense_matrix(Tensor::from<float>(DType::kF32, {18, 3}, values)),
                  Arithmetic::kF32,
                  pool);
  EXPECT_EQ(panels.n_panels, 2U);
  const auto* second = reinterpret_cast<const float*>(panels.panel(1));
  EXPECT_EQ(second[0], values[16 * 3]);           // row 16, column 0
  EXPECT_EQ(second[16 + 1], values[17 * 3 + 1]);  // row 17, column 1
  EXPECT_EQ(second[2], 0.0F) << "rows behind the last are zero";
  float row[3];
  unpack_panel_row(panels, 17, row);
  EXPECT_THAT(row, ::testing::ElementsAre(51, 52, 53));
}

TEST(Panels, RoundDenseWeightsToBfloat16InNativeArithmetic) {
  ThreadPool pool(1);
  const std::vector<float> values = {1.0F, 1.00390625F + 0.001F, -3.0F};
  const Panels panels =
      pack_panels(codec::dense_matrix(Tensor::from<float>(DType::kF32, {1, 3}, values)),
                  Arithmetic::kNative,
                  pool);
  EXPECT_EQ(panels.format, PanelFormat::kBf16);
  float row[3];
  unpack_panel_row(panels, 0, row);
  EXPECT_THAT(row, ::testing::ElementsAre(1.0F, 1.0078125F, -3.0F));
  EXPECT_EQ(panels.n_bytes(), 16U * 4 * 2);
}

}  // namespace
}  // namespace nibble::kernels
