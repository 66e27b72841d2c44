#include "base/arithmetic.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(Arithmetic, NamesComeBack) {
  for (const Arithmetic mode :
       {Arithmetic::kF32, Arithmetic::kNative, Arithmetic::kDeterministic}) {
    EXPECT_EQ(arithmetic_from_name(arithmetic_name(mode)), mode);
  }
  EXPECT_EQ(arithmetic_name(Arithmetic::kF32), "f32");
  EXPECT_EQ(arithmetic_name(Arithmetic::kDeterministic), "deterministic");
  EXPECT_EQ(arithmetic_from_name("fp32"), std::nullopt);
}

}  // namespace
}  // namespace nibble
