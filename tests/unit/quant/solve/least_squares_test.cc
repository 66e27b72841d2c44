#include "quant/solve/least_squares.h"

#include <gmock/gmock.h>

#include <cmath>

#include "quant/matrix.h"
#include "quant/recipe.h"
#include "quant/solve/hqq.h"

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;

double error_of(const std::vector<float>& w,
                const codec::IntGroupFormat& format,
                const codec::IntGroupCodes& codes,
                std::span<const float> importance = {}) {
  const std::size_t cols = 64;
  const auto decoded =
      codec::decode_all(codec::pack_int_group(format, w.size() / cols, cols, codes));
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double h = importance.empty() ? 1.0 : double{importance[i % cols]};
    sum += h * std::pow(double{decoded[i]} - double{w[i]}, 2);
  }
  return sum;
}

/// Eight rows of 64 with a long tail.
std::vector<float> tailed_weights() {
  std::vector<float> out(8 * 64);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float x = std::sin(static_cast<float>(i * 7 + 1));
    out[i] = x * x * x / 8.0F;
  }
  return out;
}

TEST(LeastSquares, KeepsTheGridThatTheWeightsLieOn) {
  // 0.5 (code - 1.25)
  const std::vector<float> w = {-0.625F, -0.125F, -0.125F, 0.375F, 0.375F, 0.875F, 0.875F, -0.625F};
  ThreadPool pool(1);
  const auto got = least_squares({w.data(), 1, 8}, {}, {2, 0, codec::ZeroKind::kFloat}, 20, pool);
  EXPECT_THAT(got.codes, ElementsAre(0, 1, 1, 2, 2, 3, 3, 0));
  EXPECT_FLOAT_EQ(got.scales[0], 0.5F);
  EXPECT_FLOAT_EQ(got.zeros[0], 1.25F);
}

TEST(LeastSquares, LosesLessThanTheRangeAndHqq) {
  const std::vector<float> w = tailed_weights();
  ThreadPool pool(2);
  for (const std::size_t bits : {2U, 3U, 4U}) {
    const codec::IntGroupFormat format{bits, 64, codec::ZeroKind::kFloat};
    const MatrixView<const float> view(w.data(), 8, 64);
    const double start = error_of(w, format, least_squares(view, {}, format, 0, pool));
    const double fitted = error_of(w, format, least_squares(view, {}, format, 20, pool));
    const double other = error_of(w, format, hqq(view, format, {}, pool).codes);
    EXPECT_LT(fitted, start) << bits;
    EXPECT_LT(fitted, other) << bits;
  }
}

TEST(LeastSquares, ImportanceDecidesWhatIsMetClosely) {
  const std::vector<float> w = tailed_weights();
  std::vector<float> importance(64, 1.0F);
  importance[5] = importance[40] = 1000.0F;
  ThreadPool pool(2);
  const codec::IntGroupFormat format{2, 64, codec::ZeroKind::kFloat};
  const MatrixView<const float> view(w.data(), 8, 64);
  const auto weighed = least_squares(view, importance, format, 20, pool);
  const auto alike = least_squares(view, {}, format, 20, pool);
  EXPECT_LT(error_of(w, format, weighed, importance), 0.5 * error_of(w, format, alike, importance));
}

TEST(LeastSquares, AsksForTextOnlyWhereItWeighs) {
  EXPECT_FALSE(load_recipe("method=least_squares,codec=int3g64f").take().looks_at_inputs());
  EXPECT_TRUE(load_recipe("method=least_squares,codec=int3g64f,importance=mean_square")
                  .take()
                  .looks_at_inputs());
  EXPECT_FALSE(load_recipe("method=least_squares,codec=int3g64a"));
  EXPECT_FALSE(load_recipe("method=least_squares,codec=int3g64f,importance=fisher"));
}

}  // namespace
}  // namespace nibble::quant
