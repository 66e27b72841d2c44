#include "ops/encoder_attention.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/error.h"

namespace nibble::ops {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

std::vector<float> normal_values(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(n);
  for (float& value : out) {
    value = normal(random);
  }
  return out;
}

/// The definition, in float64, of one output row.
std::vector<double> attend(const EncoderAttention& shape,
                           MatrixView<const float> q,
                           MatrixView<const float> k,
                           MatrixView<const float> v,
                           std::size_t row) {
  std::vector<double> out(q.cols);
  for (std::size_t h = 0; h < shape.n_heads; ++h) {
    const std::size_t at = h * shape.head_dim;
    double total = 0.0;
    for (std::size_t j = 0; j < k.rows; ++j) {
      double score = 0.0;
      for (std::size_t d = 0; d < shape.head_dim; ++d) {
        score += double{q(row, at + d)} * double{k(j, at + d)};
      }
      const double weight = std::exp(score * double{shape.scale});
      total += weight;
      for (std::size_t d = 0; d < shape.head_dim; ++d) {
        out[at + d] += weight * double{v(j, at + d)};
      }
    }
    for (std::size_t d = 0; d < shape.head_dim; ++d) {
      out[at + d] /= total;
    }
  }
  return out;
}

TEST(EncoderAttention, EveryTokenSeesItsWholeSequenceAndNoOther) {
  ThreadPool pool(2);
  for (const std::size_t head_dim : {4UL, 32UL, 33UL, 64UL}) {
    const EncoderAttention shape = {.n_heads = 3, .head_dim = head_dim, .scale = 0.3F};
    const std::vector<std::size_t> lengths = {1, 70, 5, 200};  // 200: more rows than one pass takes
    const std::size_t cols = 3 * head_dim;
    const auto q = normal_values(276 * cols, 1);
    const auto k = normal_values(276 * cols, 2);
    const auto v = normal_values(276 * cols, 3);
    std::vector<float> out(276 * cols, NAN);
    const MatrixView<const float> qs(q.data(), 276, cols), ks(k.data(), 276, cols),
        vs(v.data(), 276, cols);
    shape.apply(qs, ks, vs, lengths, {out.data(), 276, cols}, pool);
    std::size_t first = 0;
    for (const std::size_t n : lengths) {
      for (std::size_t t = 0; t < n; ++t) {
        const auto wanted = attend(
            shape, qs.rows_from(first, n), ks.rows_from(first, n), vs.rows_from(first, n), t);
        for (std::size_t c = 0; c < cols; ++c) {
          ASSERT_NEAR(out[(first + t) * cols + c], wanted[c], 5e-6) << n << " " << t << " " << c;
        }
      }
      first += n;
    }
  }
}

TEST(EncoderAttention, HandWorked) {
  ThreadPool pool(1);
  const EncoderAttention shape = {.n_heads = 1, .head_dim = 1, .scale = 1.0F};
  // The first query weighs both keys alike; the second weighs them e^ln3 : e^0 = 3 : 1.
  const std::vector<float> q = {0.0F, std::log(3.0F)}, k = {1, 0}, v = {8, 4};
  std::vector<float> out(2);
  const std::vector<std::size_t> lengths = {2};
  shape.apply(
      {q.data(), 2, 1}, {k.data(), 2, 1}, {v.data(), 2, 1}, lengths, {out.data(), 2, 1}, pool);
  EXPECT_THAT(out, Pointwise(FloatNear(1e-6F), std::vector<float>{6, 7}));
}

TEST(EncoderAttention, RefusesLengthsThatDoNotFit) {
  ThreadPool pool(1);
  const EncoderAttention shape = {.n_heads = 1, .head_dim = 2, .scale = 1.0F};
  std::vector<float> x(6);
  const MatrixView<float> view(x.data(), 3, 2);
  const std::vector<std::size_t> four = {3, 1};
  EXPECT_THROW(shape.apply(view, view, view, four, view, pool), Error);
  const EncoderAttention wide = {.n_heads = 1, .head_dim = 1024, .scale = 1.0F};
  const std::vector<std::size_t> three = {3};
  EXPECT_THROW(wide.apply(view, view, view, three, view, pool), Error);
}

}  // namespace
}  // namespace nibble::ops
