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

TEST(Hadamard, AcrossHeadsOrWhatIsLeftOfThem) {
  struct Size {
    std::size_t n_heads, head_dim, base, block, run;
  };
  for (const auto [n_heads, head_dim, base, block, run] : {Size{32, 128, 1, 4096, 128},
                                                           Size{28, 128, 28, 128, 128},
                                                           Size{40, 128, 20, 256, 128},
                                                           Size{12, 64, 12, 64, 64},
                                                           Size{9, 64, 36, 16, 16},
                                                           Size{32, 96, 12, 256, 32},
                                                           Size{1, 64, 1, 64, 64}}) {
    const auto h = hadamard_across(n_heads * head_dim, head_dim);
    EXPECT_EQ(h.n, n_heads * head_dim);
    EXPECT_EQ(h.base, base) << n_heads;
    EXPECT_EQ(h.block, block) << n_heads;
    EXPECT_EQ(h.run, run) << n_heads;
    EXPECT_FLOAT_EQ(h.scale * h.scale * static_cast<float>(h.n / run), 1.0F);
  }
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
