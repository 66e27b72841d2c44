#include "quant/gradient/head_gradient.h"

#include <gmock/gmock.h>

#include <cmath>

#include "support/files.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRows = 8;
constexpr std::size_t kWindow = 4;
const std::vector<std::int32_t> kIds = {3, 17, 40, 5, 9, 61, 33, 80};

class HeadGradientOf : public ::testing::TestWithParam<const char*> {
 protected:
  double loss_of(std::vector<float> hidden) {
    return head_.backward({hidden.data(), kRows, config_.hidden}, kIds, kWindow);
  }
  std::vector<float> hidden() const {
    std::vector<float> out(kRows * config_.hidden);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = std::sin(static_cast<float>(i * 13 % 101));
    }
    return out;
  }

  ThreadPool pool_{2};
  std::unique_ptr<io::Checkpoint> checkpoint_ =
      io::open_checkpoint(
          nibble::testing::source_path(std::string("tests/golden/model/") + GetParam()))
          .take();
  model::ModelConfig config_ = model::read_config(*checkpoint_).take();
  HeadGradient head_{*checkpoint_, config_, pool_};
};

TEST_P(HeadGradientOf, DifferencesIsTheSame) {
  std::vector<float> gradient = hidden();
  head_.backward({gradient.data(), kRows, config_.hidden}, kIds, kWindow);
  constexpr float kStep = 1e-2F;
  for (std::size_t i = 0; i < gradient.size(); i += 7) {
    std::vector<float> above = hidden();
    std::vector<float> below = hidden();
    above[i] += kStep;
    below[i] -= kStep;
    const double wanted = (loss_of(above) - loss_of(below)) / (2 * double{kStep});
    ASSERT_NEAR(double{gradient[i]}, wanted, 4e-3) << i;
  }
}

TEST_P(HeadGradientOf, TheLastTokenOfAWindowPredictsNothing) {
  std::vector<float> gradient = hidden();
  head_.backward({gradient.data(), kRows, config_.hidden}, kIds, kWindow);
  for (std::size_t t = 0; t < kRows; ++t) {
    double square = 0;
    for (std::size_t i = 0; i < config_.hidden; ++i) {
      square += std::pow(double{gradient[t * config_.hidden + i]}, 2);
    }
    EXPECT_EQ(square > 0, (t + 1) % kWindow != 0) << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Models,
                         HeadGradientOf,
                         ::testing::Values("qwen2", "gemma3"),
                         [](const auto& row) { return std::string(row.param); });

}  // namespace
}  // namespace nibble::quant
