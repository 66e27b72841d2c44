#include "model/weights/row_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/dense.h"

namespace nibble::model {
namespace {

codec::EncodedMatrix matrix_of(const std::vector<float>& values, std::size_t rows) {
  return codec::dense_matrix(Tensor::from<float>(
      DType::kF32, {rows, values.size() / rows}, std::span<const float>(values)));
}

TEST(RowOrder, InterleavedRowsOfTwoHeads) {
  // Head of dimension 4: pairs (0, 2) and (1, 3) in half-split order are neighbours in the file.
  EXPECT_THAT(interleaved_rows(2, 4), ::testing::ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
}

TEST(RowOrder, GathersRowsOfEveryPart) {
  const auto out = gather_encoded_rows(matrix_of({1, 2, 3, 4, 5, 6}, 3), std::array{2UL, 0UL, 1UL});
  ASSERT_TRUE(out);
  EXPECT_THAT(codec::decode_all(*out), ::testing::ElementsAre(5, 6, 1, 2, 3, 4));
}

TEST(RowOrder, RefusesAPartThatMixesRows) {
  codec::EncodedMatrix matrix = matrix_of({1, 2, 3, 4}, 2);
  matrix.parts.push_back({"scale", Tensor::make(DType::kF32, {1})});
  const auto out = gather_encoded_rows(matrix, std::array{0UL, 1UL});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.failure().code, ErrorCode::kUnsupported);
  EXPECT_EQ(out.failure().message,
            "rows of codec f32 cannot be reordered: part 'scale' has shape [1] for 2 rows");
}

}  // namespace
}  // namespace nibble::model
