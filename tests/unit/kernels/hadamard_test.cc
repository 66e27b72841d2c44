#include "kernels/hadamard.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "support/quant_golden.h"

namespace nibble::kernels {
namespace {

using nibble::testing::GoldenTensors;
using nibble::testing::quant_golden;
using ::testing::ElementsAre;

void expect_orthogonal(const Hadamard& h) {
  for (std::size_t a = 0; a < h.base; ++a) {
    for (std::size_t b = 0; b < h.base; ++b) {
      float sum = 0;
      for (std::size_t k = 0; k < h.base; ++k) {
        sum += h.signs[a * h.base + k] * h.signs[b * h.base + k];
      }
      ASSERT_EQ(sum, a == b ? static_cast<float>(h.base) : 0.0F)
          << h.base << ": rows " << a << ", " << b;
    }
  }
}

TEST(Hadamard, PowersOfTwoNeedNoTable) {
  for (const std::size_t n : {1U, 2U, 64U, 4096U}) {
    const auto h = exact_hadamard(n);
    ASSERT_TRUE(h);
    EXPECT_EQ(h->base, 1U);
    EXPECT_EQ(h->block, n);
    EXPECT_TRUE(h->signs.empty());
  }
  EXPECT_EQ(exact_hadamard(64)->scale, 0.125F);
}

TEST(Hadamard, SizesOfModelsAndTheirBases) {
  struct Size {
    std::size_t n, base;
  };
  // Feed-forward widths of SmolLM2, Llama 3, Llama 2 13B, Qwen2.5 and others.
  for (const auto [n, base] : {Size{576, 36},
                               Size{1536, 12},
                               Size{14336, 28},
                               Size{13824, 108},
                               Size{5120, 20},
                               Size{8960, 140},
                               Size{4864, 76},
                               Size{18944, 148}}) {
    const auto h = exact_hadamard(n);
    ASSERT_TRUE(h) << n;
    EXPECT_EQ(h->base, base) << n;
    EXPECT_EQ(h->base * h->block, n);
    expect_orthogonal(*h);
  }
}

TEST(Hadamard, OtherSizesGetBlocksOfAPowerOfTwo) {
  EXPECT_FALSE(exact_hadamard(11008));  // 43 * 256
  const Hadamard h = hadamard_for(11008);
  EXPECT_EQ(h.n, 256U);
  EXPECT_EQ(h.base, 1U);
  EXPECT_EQ(hadamard_for(33).n, 1U);
  EXPECT_EQ(hadamard_for(576).n, 576U);
}

TEST(Hadamard, OrderTwelveByHand) {
  const auto h = exact_hadamard(12);
  const auto row = [&](std::size_t r) {
    return std::vector<float>(&h->signs[r * 12], &h->signs[r * 12] + 12);
  };
  EXPECT_THAT(row(0), ElementsAre(1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  // 1, 3, 4, 5 and 9 are the squares modulo 11.
  EXPECT_THAT(row(1), ElementsAre(1, 1, -1, 1, -1, -1, -1, 1, 1, 1, -1, 1));
}

TEST(Hadamard, TablesOfTheReference) {
  NIBBLE_NEEDS_FILE(path, quant_golden("hadamard.safetensors"));
  const GoldenTensors golden(path);
  EXPECT_EQ(exact_hadamard(12)->signs, golden.at("had12").values);
  EXPECT_EQ(exact_hadamard(36)->signs, golden.at("had36").values);
}

}  // namespace
}  // namespace nibble::kernels
