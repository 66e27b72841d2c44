// Tolerance: what enters a product is rounded to binary16 there, 2^-12 of its size in the mean, the
// keys, probabilities and gradients between products too; sums over tokens keep that relative
// error. Queries and keys have what is left of a difference.
#include "quant/device/block_gradient.h"

#include <gmock/gmock.h>

#include "quant/device/autoround.h"
#include "quant/gradient/block_gradient.h"
#include "support/gpu.h"
#include "unit/quant/device/block_on_device.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kTurn = 8;

/// Gradients of the host, in float32, of half the squared error over some windows.
struct Wanted {
  double squares = 0;
  std::array<std::vector<float>, kBlockLinears> gradients;
};

struct Tokens {
  std::vector<float> inputs, targets;
  std::size_t window, cols;

  Tokens(std::size_t n_windows, std::size_t window_, std::size_t cols_)
      : inputs(random_weights(n_windows * window_ * cols_, 7, 1.0F)),
        targets(random_weights(n_windows * window_ * cols_, 8, 1.5F)),
        window(window_),
        cols(cols_) {}
};

Wanted gradients_of_host(const DecoderBlock& block,
                         const Tokens& tokens,
                         std::span<const std::size_t> windows,
                         ThreadPool& pool) {
  BlockGradient<float> gradient(block, pool);
  BlockGradient<float>::Weights weights;
  BlockGradient<float>::WeightGradients sums;
  Wanted out;
  for (std::size_t i = 0; i < kBlockLinears; ++i) {
    weights[i] = block.weight(block_linear_name(i));
    out.gradients[i].resize(weights[i].rows * weights[i].cols);
    sums[i] = {out.gradients[i].data(), weights[i].rows, weights[i].cols};
  }
  const std::size_t n = tokens.window * tokens.cols;
  for (const std::size_t w : windows) {
    std::vector<float> error(n);
    const MatrixView<float> view(error.data(), tokens.window, tokens.cols);
    gradient.forward(
        {&tokens.inputs[w * n], tokens.window, tokens.cols}, tokens.window, weights, view);
    for (std::size_t i = 0; i < n; ++i) {
      error[i] -= tokens.targets[w * n + i];
      out.squares += static_cast<double>(error[i]) * static_cast<double>(error[i]);
    }
    gradient.backward(weights, view, sums);
  }
  return out;
}

/// The rows of a weight out of its product's.
std::vector<float> rows_of(const std::vector<float>& product,
                           const DeviceBlock::PlaceOfRows& place,
                           std::size_t rows,
                           std::size_t cols) {
  std::vector<float> out;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t at = place.first + (place.turn == 0 ? r : r / kTurn * 2 * kTurn + r % kTurn);
    out.insert(out.end(), &product[at * cols], &product[at * cols] + cols);
  }
  return out;
}

/// |got - wanted| / |wanted|, where got is `factor` times as large.
double distance(const std::vector<float>& got, const std::vector<float>& wanted, double factor) {
  double difference = 0, whole = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto w = static_cast<double>(wanted[i]);
    difference += std::pow(static_cast<double>(got.at(i)) / factor - w, 2);
    whole += w * w;
  }
  return std::sqrt(difference / whole);
}

DeviceBlockGradients make_gradients(ops::Device& device, const DeviceBlock& block) {
  const auto& w = block.weights();
  return {device.allocate(w.qkv.size() * 2),
          device.allocate(w.o.size() * 2),
          device.allocate(w.gate_up.size() * 2),
          device.allocate(w.down.size() * 2)};
}

/// The windows in two passes, added up.
void compare(ops::Device& device,
             const model::ModelConfig& config,
             std::size_t window,
             std::span<const std::size_t> windows) {
  ThreadPool pool(2);
  const DecoderBlock here = random_block(config, pool);
  const Tokens tokens(4, window, config.hidden);
  const Wanted wanted = gradients_of_host(here, tokens, windows, pool);
  const BlockOnDevice there(here, device, pool);
  DeviceBlockGradient gradient(device, there.block, window);
  const DeviceBlockGradients sums = make_gradients(device, there.block);
  const ops::DeviceBuffer inputs = device.upload(std::span<const float>(tokens.inputs));
  const ops::DeviceBuffer targets = device.upload(std::span<const float>(tokens.targets));
  const float factor = gradient_factor(10.0);
  const auto pass = [&](std::span<const std::size_t> part, bool adds) {
    gradient.forward(inputs.as<const float>(), targets.as<const float>(), part);
    gradient.backward(factor, sums, adds);
  };
  pass(windows.first(1), false);
  pass(windows.subspan(1), true);
  EXPECT_NEAR(gradient.error().squares / wanted.squares, 1.0, 1e-3);
  EXPECT_GT(gradient.error().largest, 3.0);
  for (std::size_t i = 0; i < kBlockLinears; ++i) {
    const auto name = block_linear_name(i);
    const auto place = there.block.place_of(name);
    const auto w = here.weight(name);
    const auto& weights = there.block.weights();
    const ops::DeviceBuffer& sum = place.product == &weights.qkv       ? sums.qkv
                                   : place.product == &weights.o       ? sums.o
                                   : place.product == &weights.gate_up ? sums.gate_up
                                                                       : sums.down;
    const auto got = rows_of(download_floats(device, sum), place, w.rows, w.cols);
    const bool is_difference = name.find("q_proj") != name.npos || name.find("k_proj") != name.npos;
    EXPECT_LE(distance(got, wanted.gradients[i], static_cast<double>(factor)),
              is_difference ? 2e-2 : 5e-3)
        << name;
  }
}

constexpr std::size_t kWindows[] = {2, 0, 3};

TEST(DeviceBlockGradient, OfGroupedHeadsIsThatOfTheHost) {
  NIBBLE_NEEDS_GPU(device);
  compare(device, small_block_config(), 70, kWindows);
}

TEST(DeviceBlockGradient, WithBiasesIsThatOfTheHost) {
  NIBBLE_NEEDS_GPU(device);
  model::ModelConfig config = small_block_config();
  config.architecture = "qwen2";
  config.qkv_bias = true;
  config.n_heads = config.n_kv_heads = 2;
  compare(device, config, 64, kWindows);
}

TEST(DeviceBlockGradient, WithNormsOfHeadsIsThatOfTheHost) {
  NIBBLE_NEEDS_GPU(device);
  model::ModelConfig config = small_block_config();
  config.architecture = "qwen3";
  config.qk_norm = true;
  config.n_kv_heads = 1;
  config.head_dim = 128;
  config.attention_scale = 0.0883883F;
  compare(device, config, 70, kWindows);
}

TEST(DeviceBlockGradient, WithSlidingWindowsAndGeluIsThatOfTheHost) {
  NIBBLE_NEEDS_GPU(device);
  model::ModelConfig config = small_block_config();
  config.activation = ops::GateActivation::kGeluTanh;
  config.sliding_window = 40;
  config.sliding_layers = {1};
  compare(device, config, 101, kWindows);
}

TEST(DeviceBlockGradient, OfSeveralTilesOfQueriesIsThatOfTheHost) {
  NIBBLE_NEEDS_GPU(device);
  compare(device, small_block_config(), 1100, kWindows);
}

TEST(DeviceBlockGradient, AFactorIsAPowerOfTwoWithRoomAbove) {
  EXPECT_EQ(gradient_factor(1.0), 512.0F);
  EXPECT_EQ(gradient_factor(3.0), 128.0F);
  EXPECT_EQ(gradient_factor(1024.0), 0.5F);
  EXPECT_EQ(gradient_factor(0.0), 1.0F);
  EXPECT_EQ(gradient_factor(std::numeric_limits<double>::infinity()), 1.0F);
}

}  // namespace
}  // namespace nibble::quant
