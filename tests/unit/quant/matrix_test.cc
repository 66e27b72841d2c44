#include "quant/matrix.h"

#include <gmock/gmock.h>

#include <limits>
#include <numeric>

#include "codec/dense.h"

namespace nibble::quant {
namespace {

codec::EncodedMatrix dense(const std::vector<float>& values, std::size_t rows, std::size_t cols) {
  return codec::dense_matrix(Tensor::from<float>(DType::kF32, {rows, cols}, values));
}

TEST(Matrix, DecodesAllRows) {
  ThreadPool pool(2);
  std::vector<float> values(40 * 3);
  std::iota(values.begin(), values.end(), 0.0F);
  EXPECT_EQ(decode_matrix(dense(values, 40, 3), pool), values);
}

TEST(Matrix, ErrorIsThatOfTheDifference) {
  ThreadPool pool(1);
  const std::vector<float> w = {3, 4, 0, 0};
  const auto error = squared_error({w.data(), 2, 2}, dense({3, 4, 0, 1}, 2, 2), pool);
  EXPECT_DOUBLE_EQ(error.difference, 1.0);
  EXPECT_DOUBLE_EQ(error.weight, 25.0);
  EXPECT_DOUBLE_EQ(error.relative(), 0.2);
  EXPECT_DOUBLE_EQ(SquaredError{}.relative(), 0.0);
}

TEST(Matrix, NamesTheFirstWeightThatIsNotFinite) {
  std::vector<float> w(6, 1.0F);
  EXPECT_NO_THROW(require_finite({w.data(), 2, 3}, "w"));
  w[4] = -std::numeric_limits<float>::infinity();
  try {
    require_finite({w.data(), 2, 3}, "blk.w");
    FAIL() << "accepted an infinite weight";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(
        error.what(),
        "blk.w: the weight at row 1, column 1 is -inf; only finite weights can be quantized");
  }
}

}  // namespace
}  // namespace nibble::quant
