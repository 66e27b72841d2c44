#include "codec/parts.h"

#include <gtest/gtest.h>

namespace nibble::codec {
namespace {

EncodedMatrix with_part() {
  EncodedMatrix out;
  out.parts.push_back({"codes", Tensor::make(DType::kU8, {2, 3})});
  return out;
}

TEST(CheckPart, AcceptsWhatWasWanted) {
  EXPECT_TRUE(check_part(with_part(), "codes", DType::kU8, {2, 3}));
}

TEST(CheckPart, SaysWhatIsMissing) {
  const auto result = check_part(with_part(), "scales", DType::kF32, {2, 1});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.failure().code, ErrorCode::kCorruptData);
  EXPECT_EQ(result.failure().message, "part 'scales' is missing, expected F32 [2, 1]");
}

TEST(CheckPart, NamesBothDtypes) {
  const auto result = check_part(with_part(), "codes", DType::kF16, {2, 3});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.failure().code, ErrorCode::kCorruptData);
  EXPECT_EQ(result.failure().message, "part 'codes': expected dtype F16, found U8");
}

TEST(CheckPart, NamesBothShapes) {
  const auto result = check_part(with_part(), "codes", DType::kU8, {3, 2});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.failure().code, ErrorCode::kShapeMismatch);
  EXPECT_EQ(result.failure().message, "part 'codes': expected shape [3, 2], found [2, 3]");
}

}  // namespace
}  // namespace nibble::codec
