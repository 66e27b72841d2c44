#include "kernels/linear.h"

#include <gmock/gmock.h>

#include "codec/dense.h"

namespace nibble::kernels {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t kTiles[] = {1, 2, 4, 8, 12};

TEST(TilePlan, FillsTilesAndEndsWithTheNarrowestThatHoldsTheRest) {
  const TilePlan plan = plan_tiles(kTiles, 29);
  EXPECT_EQ(plan.n_tiles, 3U);
  EXPECT_THAT((std::vector{plan.width(0), plan.width(1), plan.width(2)}), ElementsAre(12, 12, 8));
  EXPECT_THAT((std::vector{plan.tokens(0), plan.tokens(1), plan.tokens(2)}),
              ElementsAre(12, 12, 5));
  EXPECT_EQ(plan.padded(), 32U);
}

TEST(TilePlan, CoversEveryCountOfTokens) {
  for (std::size_t n = 0; n <= 100; ++n) {
    const TilePlan plan = plan_tiles(kTiles, n);
    std::size_t tokens = 0;
    std::size_t padded = 0;
    for (std::size_t i = 0; i < plan.n_tiles; ++i) {
      EXPECT_LE(plan.tokens(i), plan.width(i)) << n;
      tokens += plan.tokens(i);
      padded += plan.width(i);
    }
    EXPECT_EQ(tokens, n);
    EXPECT_EQ(padded, plan.padded());
  }
}

TEST(ActivationFormat, CountsBytesOfOneToken) {
  ActivationFormat format;
  format.cols = 33;
  format.depth = 34;
  EXPECT_EQ(activation_bytes(format), 34U * 4);
  format.type = ActivationType::kBf16;
  EXPECT_EQ(activation_bytes(format), 34U * 2);
  format.type = ActivationType::kInt8;
  format.groups = make_group_shape(33, 32);  // two blocks of 32 codes and three numbers
  EXPECT_EQ(activation_bytes(format), 2U * (32 + 12));
}

TEST(ActivationFormat, CountsCodesFromTheZeroThatTheKernelLeaves) {
  Panels panels;
  panels.format = PanelFormat::kInt8;
  panels.zero = 128;
  PanelKernel kernel{.name = "any", .activation = ActivationType::kInt8};
  EXPECT_EQ(activation_format(panels, kernel).zero, 128);
  kernel.origin = 128;
  EXPECT_EQ(activation_format(panels, kernel).zero, 0);
}

TEST(PanelTask, EndsWithTheRowsThatAreThere) {
  ThreadPool pool(1);
  const auto weight = codec::dense_matrix(Tensor::make(DType::kF32, {20, 8}));
  const Panels panels = pack_panels(weight, Arithmetic::kF32, pool);
  EXPECT_EQ(panel_task(panels, 0).n_rows, 16U);
  EXPECT_EQ(panel_task(panels, 1).n_rows, 4U);
  EXPECT_EQ(panel_task(panels, 1).codes, panels.panel(1));
  EXPECT_EQ(panel_task(panels, 1).scales, nullptr);
}

}  // namespace
}  // namespace nibble::kernels
