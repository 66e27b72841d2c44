#include "quant/gradient/attention.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <random>

namespace nibble::quant {
namespace {

struct Case {
  const char* name;
  std::size_t window;   ///< of tokens
  std::size_t sliding;  ///< of attention
  float softcap;
};

constexpr std::size_t kWindows = 2;
constexpr std::size_t kDim = 4;

ops::AttentionShape shape_of(const Case& c) {
  return {.n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = kDim,
          .scale = 0.7F,
          .softcap = c.softcap,
          .window = c.sliding};
}

/// q, k, v and the gradient of the output.
struct Fixture {
  explicit Fixture(const Case& c) : shape(shape_of(c)), rows(kWindows * c.window) {
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < 4; ++i) {
      values[i].resize(rows * cols(i));
      std::ranges::generate(values[i], [&] { return normal(random); });
    }
  }
  [[nodiscard]] std::size_t cols(std::size_t i) const {
    return kDim * (i == 1 || i == 2 ? shape.n_kv_heads : shape.n_heads);
  }
  MatrixView<double> view(std::size_t i) { return {values[i].data(), rows, cols(i)}; }
  AttentionInputs<double> inputs() { return {view(0), view(1), view(2)}; }

  ops::AttentionShape shape;
  std::size_t rows;
  std::array<std::vector<double>, 4> values;
};

std::vector<double> run(Fixture& f, const Case& c, ThreadPool& pool) {
  std::vector<double> out(f.rows * f.cols(0));
  attention_forward<double>(f.shape, c.window, f.inputs(), {out.data(), f.rows, f.cols(0)}, pool);
  return out;
}

/// One element of the output by the formula.
double by_the_formula(Fixture& f, const Case& c, std::size_t row, std::size_t col) {
  const std::size_t head = col / kDim;
  const std::size_t kv = head / 2;
  const std::size_t position = row % c.window;
  double sum = 0;
  double weighted = 0;
  for (std::size_t j = 0; j <= position; ++j) {
    if (c.sliding > 0 && position - j >= c.sliding) {
      continue;
    }
    double s = 0;
    const std::size_t key = row - position + j;
    for (std::size_t i = 0; i < kDim; ++i) {
      s += f.view(0)(row, head * kDim + i) * f.view(1)(key, kv * kDim + i);
    }
    s *= static_cast<double>(f.shape.scale);
    const auto cap = static_cast<double>(c.softcap);
    s = cap > 0 ? cap * std::tanh(s / cap) : s;
    sum += std::exp(s);
    weighted += std::exp(s) * f.view(2)(key, kv * kDim + col % kDim);
  }
  return weighted / sum;
}

class Attention : public ::testing::TestWithParam<Case> {};

TEST_P(Attention, IsTheFormula) {
  Fixture f(GetParam());
  ThreadPool pool(2);
  const auto out = run(f, GetParam(), pool);
  for (std::size_t row = 0; row < f.rows; ++row) {
    for (std::size_t col = 0; col < f.cols(0); ++col) {
      ASSERT_NEAR(out[row * f.cols(0) + col], by_the_formula(f, GetParam(), row, col), 1e-12);
    }
  }
}

TEST_P(Attention, HasTheGradientOfDifferences) {
  Fixture f(GetParam());
  ThreadPool pool(2);
  const auto out = run(f, GetParam(), pool);
  std::array<std::vector<double>, 3> got;
  const auto gradient = [&](std::size_t i) {
    got[i].assign(f.values[i].size(), 9.0);  // what was there must not matter
    return MatrixView<double>(got[i].data(), f.rows, f.cols(i));
  };
  attention_backward<double>(f.shape,
                             GetParam().window,
                             f.inputs(),
                             {{out.data(), f.rows, f.cols(0)}, f.view(3)},
                             {gradient(0), gradient(1), gradient(2)},
                             pool);
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t at = 0; at<f.values[i].size(); at += GetParam().window> 50 ? 97 : 1) {
      const double before = f.values[i][at];
      double wanted = 0;
      for (const double sign : {1.0, -1.0}) {
        f.values[i][at] = before + sign * kStep;
        const auto y = run(f, GetParam(), pool);
        for (std::size_t e = 0; e < y.size(); ++e) {
          wanted += sign * f.values[3][e] * y[e] / (2 * kStep);
        }
      }
      f.values[i][at] = before;
      ASSERT_NEAR(got[i][at], wanted, 2e-8) << "qkv"[i] << " " << at;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes,
                         Attention,
                         ::testing::Values(Case{"plain", 7, 0, 0.0F},
                                           Case{"sliding", 9, 3, 0.0F},
                                           Case{"capped", 6, 0, 1.5F},
                                           Case{"tiles", 150, 0, 0.0F},
                                           Case{"sliding_tiles", 150, 20, 2.0F}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace nibble::quant
