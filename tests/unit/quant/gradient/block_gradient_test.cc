#include "quant/gradient/block_gradient.h"

#include <gmock/gmock.h>

#include <random>

#include "support/quant_golden.h"

namespace nibble::quant {
namespace {

/// One layer of a tiny model of tests/golden/model.
struct Case {
  const char* model;
  std::size_t layer;
};

constexpr std::size_t kWindow = 32;  // as in tests/golden/scripts/make_block_gradients.py
constexpr std::size_t kRows = 2 * kWindow;

/// All that one pass needs, in T.
template <class T>
class Pass {
 public:
  Pass(const DecoderBlock& block, ThreadPool& pool)
      : hidden(block.config().hidden), gradient(block, pool) {
    for (std::size_t i = 0; i < kBlockLinears; ++i) {
      const auto w = block.weight(block_linear_name(i));
      weights[i] = {w.data, w.data + w.rows * w.cols};
      sums[i].resize(weights[i].size());
      weight_views[i] = {weights[i].data(), w.rows, w.cols};
      sum_views[i] = {sums[i].data(), w.rows, w.cols};
    }
  }

  std::vector<T> forward(const std::vector<T>& x) {
    std::vector<T> out(x.size());
    gradient.forward({x.data(), kRows, hidden}, kWindow, weight_views, {out.data(), kRows, hidden});
    return out;
  }
  void backward(std::vector<T> c) {
    gradient.backward(weight_views, {c.data(), kRows, hidden}, sum_views);
  }

  std::size_t hidden;
  BlockGradient<T> gradient;
  std::array<std::vector<T>, kBlockLinears> weights, sums;
  typename BlockGradient<T>::Weights weight_views;
  typename BlockGradient<T>::WeightGradients sum_views;
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

class Gradient : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto path = nibble::testing::golden(std::string("model/") + GetParam().model);
    const auto tensors = nibble::testing::golden("quant/block_gradients.safetensors");
    if (!path || !tensors) {
      GTEST_SKIP() << "needs tests/golden";
    }
    const auto checkpoint = io::open_checkpoint(*path).take();
    const auto config = model::read_config(*checkpoint).take();
    block_.emplace(DecoderBlock::load(*checkpoint, config, GetParam().layer, pool_));
    golden_.emplace(*tensors);
  }

  const std::vector<float>& golden(std::string_view name) const {
    return golden_->at(fmt::format("{}.{}.{}", GetParam().model, GetParam().layer, name)).values;
  }
  template <class T>
  std::vector<T> golden_as(std::string_view name) const {
    return {golden(name).begin(), golden(name).end()};
  }

  ThreadPool pool_{2};
  std::optional<DecoderBlock> block_;
  std::optional<nibble::testing::GoldenTensors> golden_;
};

TEST_P(Gradient, ForwardIsTheWalkOfTheBlock) {
  Pass<float> pass(*block_, pool_);
  auto hidden = golden("x");
  const auto got = pass.forward(hidden);
  std::vector<float> inner(kRows * block_->inner_cols());
  const BlockRows rows{
      {hidden.data(), kRows, pass.hidden}, {inner.data(), kRows, block_->inner_cols()}, kWindow};
  for (const Site site : kSites) {
    block_->reach(site, rows);
  }
  block_->leave(rows);
  EXPECT_THAT(got, ::testing::Pointwise(::testing::FloatNear(5e-5F), hidden));
}

TEST_P(Gradient, OfTorchIsTheSame) {
  Pass<double> pass(*block_, pool_);
  const auto out = pass.forward(golden_as<double>("x"));
  pass.backward(golden_as<double>("c"));
  // Transformers' norms compute in float32.
  EXPECT_THAT(out, ::testing::Pointwise(::testing::DoubleNear(2e-5), golden_as<double>("out")));
  for (std::size_t i = 0; i < kBlockLinears; ++i) {
    const std::string_view name = block_linear_name(i);
    const auto& wanted = golden(name.substr(0, name.rfind('.')));
    const auto& got = pass.sum_views[i];
    double widest = 0;
    for (const float w : wanted) {
      widest = std::max(widest, std::fabs(static_cast<double>(w)));
    }
    for (std::size_t e = 0; e < wanted.size(); ++e) {
      ASSERT_NEAR(
          got(e / got.cols * 4, e % got.cols), static_cast<double>(wanted[e]), 1e-5 * widest)
          << name << " " << e;
    }
  }
}

TEST_P(Gradient, OfDifferencesIsTheSame) {
  Pass<double> pass(*block_, pool_);
  const auto x = golden_as<double>("x");
  const auto c = golden_as<double>("c");
  pass.forward(x);
  pass.backward(c);
  std::mt19937 random(7);
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < kBlockLinears; ++i) {
    for (int n = 0; n < 8; ++n) {
      const std::size_t at = random() % pass.weights[i].size();
      const double before = pass.weights[i][at];
      pass.weights[i][at] = before + kStep;
      const double above = dot(pass.forward(x), c);
      pass.weights[i][at] = before - kStep;
      const double wanted = (above - dot(pass.forward(x), c)) / (2 * kStep);
      pass.weights[i][at] = before;
      ASSERT_NEAR(pass.sums[i][at], wanted, 1e-7 * std::max(1.0, std::fabs(wanted)))
          << block_linear_name(i) << " " << at;
    }
  }
}

TEST_P(Gradient, OfTheInputIsThatOfDifferences) {
  Pass<double> pass(*block_, pool_);
  const auto x = golden_as<double>("x");
  const auto c = golden_as<double>("c");
  pass.forward(x);
  std::vector<double> d = c;
  pass.gradient.backward_to_input(
      pass.weight_views, {x.data(), kRows, pass.hidden}, {d.data(), kRows, pass.hidden}, {});
  std::mt19937 random(11);
  constexpr double kStep = 1e-5;
  for (int n = 0; n < 24; ++n) {
    const std::size_t at = random() % x.size();
    std::vector<double> moved = x;
    moved[at] = x[at] + kStep;
    const double above = dot(pass.forward(moved), c);
    moved[at] = x[at] - kStep;
    const double wanted = (above - dot(pass.forward(moved), c)) / (2 * kStep);
    ASSERT_NEAR(d[at], wanted, 1e-7 * std::max(1.0, std::fabs(wanted))) << at;
  }
}

TEST_P(Gradient, InFloatIsThatInDouble) {
  Pass<float> narrow(*block_, pool_);
  Pass<double> wide(*block_, pool_);
  narrow.forward(golden("x"));
  narrow.backward(golden("c"));
  wide.forward(golden_as<double>("x"));
  wide.backward(golden_as<double>("c"));
  for (std::size_t i = 0; i < kBlockLinears; ++i) {
    double difference = 0;
    for (std::size_t e = 0; e < wide.sums[i].size(); ++e) {
      const double d = static_cast<double>(narrow.sums[i][e]) - wide.sums[i][e];
      difference += d * d;
    }
    EXPECT_LT(std::sqrt(difference / dot(wide.sums[i], wide.sums[i])), 2e-5)
        << block_linear_name(i);
  }
}

TEST_P(Gradient, IsAddedWhereItIsWanted) {
  Pass<float> once(*block_, pool_);
  Pass<float> twice(*block_, pool_);
  twice.sum_views[1] = {};
  once.forward(golden("x"));
  once.backward(golden("c"));
  for (int n = 0; n < 2; ++n) {
    twice.forward(golden("x"));
    twice.backward(golden("c"));
  }
  EXPECT_THAT(twice.sums[1], ::testing::Each(0.0F));
  for (std::size_t e = 0; e < once.sums[0].size(); ++e) {
    ASSERT_FLOAT_EQ(twice.sums[0][e], 2 * once.sums[0][e]);
  }
}

TEST_P(Gradient, DoesNotDependOnTheNumberOfThreads) {
  ThreadPool one(1);
  Pass<float> a(*block_, one);
  Pass<float> b(*block_, pool_);
  EXPECT_EQ(a.forward(golden("x")), b.forward(golden("x")));
  a.backward(golden("c"));
  b.backward(golden("c"));
  EXPECT_EQ(a.sums, b.sums);
}

INSTANTIATE_TEST_SUITE_P(Blocks,
                         Gradient,
                         ::testing::Values(Case{"gemma3", 0},
                                           Case{"gemma3", 5},
                                           Case{"llama3-scaled", 1},
                                           Case{"mistral-window", 0},
                                           Case{"qwen2", 2},
                                           Case{"qwen3", 1}),
                         [](const auto& row) {
                           std::string name =
                               fmt::format("{}_{}", row.param.model, row.param.layer);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace nibble::quant
