#include "tensor/half.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble {
namespace {

TEST(Half, EveryBinary16SurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = f16_to_f32(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value))));
    } else {
      ASSERT_EQ(f32_to_f16(value), half) << bits;
    }
  }
}

TEST(Half, KnownValues) {
  EXPECT_EQ(f16_to_f32(0x3C00), 1.0F);
  EXPECT_EQ(f16_to_f32(0xC000), -2.0F);
  EXPECT_EQ(f16_to_f32(0x7BFF), 65504.0F);
  EXPECT_EQ(f16_to_f32(0x0001), 0x1p-24F);
  EXPECT_TRUE(std::signbit(f16_to_f32(0x8000)));
}

TEST(Half, RoundsHalfToEvenAndOverflowsToInfinity) {
  EXPECT_EQ(f32_to_f16(2049.0F), 0x6800);  // between 2048 and 2050: even is 2048
  EXPECT_EQ(f32_to_f16(2051.0F), 0x6802);  // between 2050 and 2052: even is 2052
  EXPECT_EQ(f32_to_f16(65519.0F), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65520.0F), 0x7C00);
  EXPECT_EQ(f32_to_f16(0x1p-25F), 0x0000);  // half of the smallest subnormal: even is zero
  EXPECT_EQ(f32_to_f16(0x1.8p-25F), 0x0001);
}

TEST(Half, KeepsSignsInfinityAndNan) {
  EXPECT_EQ(f32_to_f16(-INFINITY), 0xFC00);
  EXPECT_EQ(f16_to_f32(0xFC00), -INFINITY);
  EXPECT_EQ(f32_to_f16(-0.0F), 0x8000);
  EXPECT_EQ(f32_to_f16(-std::bit_cast<float>(0x7F800001U)), 0xFE00);
  EXPECT_EQ(f16_to_f32(0x83FF), -1023 * 0x1p-24F) << "the largest subnormal";
}

TEST(Bfloat16, RoundsHalfToEvenAndKeepsNan) {
  EXPECT_EQ(bf16_to_f32(0x3F80), 1.0F);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F808000U)), 0x3F80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F818000U)), 0x3F82);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0x7F800001U)))));
}

}  // namespace
}  // namespace nibble
