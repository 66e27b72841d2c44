#include "model/language_model.h"

#include <gtest/gtest.h>

#include "unit/model/model_runs.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

TEST(LanguageModel, CacheHoldsWhatTheArithmeticWants) {
  testing::TestModel exact(testing::tiny_folder("qwen3"), Arithmetic::kF32);
  testing::TestModel fast(testing::tiny_folder("qwen3"), Arithmetic::kNative);
  EXPECT_EQ(exact.model().make_cache(1 << 20).dtype(), DType::kF32);
  EXPECT_EQ(fast.model().make_cache(1 << 20).dtype(), DType::kF16);
}

}  // namespace
}  // namespace nibble::model
