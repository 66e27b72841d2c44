#include "quant/products.h"

#include <gmock/gmock.h>

#include <random>
#include <vector>

namespace nibble::quant {
namespace {

template <class T>
std::vector<T> random_values(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<T> out(n);
  std::ranges::generate(out, [&] { return static_cast<T>(normal(random)); });
  return out;
}

template <class T>
double element(const Operand<T>& m, std::size_t r, std::size_t c) {
  return static_cast<double>(m.is_transposed ? m.stored(c, r) : m.stored(r, c));
}

template <class T>
void expect_product(const Operand<T>& a, const Operand<T>& b, T beta, double tolerance) {
  const auto before = random_values<T>(a.rows() * b.cols(), 3);
  for (const std::size_t n_threads : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
    std::vector<T> c = before;
    const MatrixView<T> view(c.data(), a.rows(), b.cols());
    if (n_threads == 0) {
      product(a, b, beta, view);
    } else {
      ThreadPool pool(n_threads);
      product(a, b, beta, view, pool);
    }
    for (std::size_t r = 0; r < view.rows; ++r) {
      for (std::size_t k = 0; k < view.cols; ++k) {
        double wanted = static_cast<double>(beta * before[r * view.cols + k]);
        for (std::size_t i = 0; i < a.cols(); ++i) {
          wanted += element(a, r, i) * element(b, i, k);
        }
        ASSERT_NEAR(static_cast<double>(view(r, k)), wanted, tolerance) << r << ", " << k;
      }
    }
  }
}

/// Shapes that are and are not cut into tiles, all transpositions.
template <class T>
void expect_all_products(double tolerance) {
  const auto values = random_values<T>(700 * 40, 1);
  const auto others = random_values<T>(700 * 40, 2);
  for (const auto& [m, k, n] : {std::array<std::size_t, 3>{3, 5, 2}, {700, 7, 4}, {5, 40, 370}}) {
    const MatrixView<const T> a(values.data(), m, k);
    const MatrixView<const T> a_turned(values.data(), k, m);
    const MatrixView<const T> b(others.data(), k, n);
    const MatrixView<const T> b_turned(others.data(), n, k);
    expect_product<T>(plain(a), plain(b), T{0}, tolerance);
    expect_product<T>(plain(a), transposed(b_turned), T{1}, tolerance);
    expect_product<T>(transposed(a_turned), plain(b), T{1}, tolerance);
    expect_product<T>(transposed(a_turned), transposed(b_turned), T{0}, tolerance);
  }
}

TEST(Product, OfFloats) {
  expect_all_products<float>(2e-4);
}

TEST(Product, OfDoubles) {
  expect_all_products<double>(1e-12);
}

TEST(Product, OfNothingLeavesNothing) {
  float c = 2.0F;
  product<float>(plain(MatrixView<const float>(&c, 0, 1)),
                 plain(MatrixView<const float>(&c, 1, 1)),
                 0.0F,
                 MatrixView<float>(&c, 0, 1));
  EXPECT_EQ(c, 2.0F);
}

}  // namespace
}  // namespace nibble::quant
