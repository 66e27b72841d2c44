#include "tensor/dtype.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(DType, NamesRoundTripAndSizesAreKnown) {
  for (int i = 0; i <= static_cast<int>(DType::kBool); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(dtype_name(dtype)), dtype);
    EXPECT_GT(dtype_bytes(dtype), 0U);
  }
  EXPECT_EQ(dtype_from_name("F8_E4M3"), std::nullopt);
  EXPECT_EQ(dtype_bytes(DType::kBF16), 2U);
}

}  // namespace
}  // namespace nibble
