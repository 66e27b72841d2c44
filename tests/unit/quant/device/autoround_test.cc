// Tolerance: a gradient near 0 may have the other sign there, and each step goes by signs, so codes
// are others after some steps; how close the block comes is held.
#include "quant/device/autoround.h"

#include <gmock/gmock.h>

#include "codec/codecs.h"
#include "quant/solve/autoround.h"
#include "support/gpu.h"
#include "unit/quant/device/block_on_device.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kWindow = 48, kTokens = 16 * kWindow;

std::vector<float> outputs_of(DecoderBlock& block, std::vector<float> hidden) {
  std::vector<float> inner(kTokens * block.inner_cols());
  const BlockRows rows{{hidden.data(), kTokens, block.config().hidden},
                       {inner.data(), kTokens, block.inner_cols()},
                       kWindow};
  for (const Site site : kSites) {
    block.reach(site, rows);
  }
  block.leave(rows);
  return hidden;
}

class AutoroundOnDevice : public ::testing::Test {
 protected:
  explicit AutoroundOnDevice(const char* codec = "int3g32s") {
    for (const Site site : kSites) {
      for (const std::string_view name : linears_at(site)) {
        weights_.push_back({name, codec::codec_from_name(codec).take()});
      }
    }
  }

  AutoroundResult on_host(const AutoroundSettings& settings) {
    const std::size_t cols = block_.config().hidden;
    return autoround({.block = block_,
                      .layer = 3,
                      .inputs = {inputs_.data(), kTokens, cols},
                      .targets = {targets_.data(), kTokens, cols},
                      .window = kWindow,
                      .weights = weights_},
                     settings,
                     pool_,
                     [](double /*part*/) {});
  }

  DeviceAutoround on_device(ops::Device& device, const AutoroundSettings& settings) {
    BlockOnDevice there(block_, device, pool_);
    const ops::DeviceBuffer inputs = device.upload(std::span<const float>(inputs_));
    const ops::DeviceBuffer targets = device.upload(std::span<const float>(targets_));
    done_.clear();
    return autoround_on({.device = device,
                         .block = there.block,
                         .layer = 3,
                         .inputs = inputs.as<const float>(),
                         .targets = targets.as<const float>(),
                         .n_tokens = kTokens,
                         .window = kWindow,
                         .weights = weights_},
                        settings,
                        [&](double part) { done_.push_back(part); });
  }

  /// The mean square error of the block with these weights, on the host.
  double error(const std::vector<codec::EncodedMatrix>& matrices) {
    DecoderBlock block = random_block(small_block_config(), pool_);
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      block.set_weight(weights_[i].name, codec::decode_all(matrices[i]));
    }
    const auto got = outputs_of(block, inputs_);
    double sum = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      sum += std::pow(static_cast<double>(got[i]) - static_cast<double>(targets_[i]), 2);
    }
    return sum / static_cast<double>(got.size());
  }
  double error(const AutoroundResult& result) {
    std::vector<codec::EncodedMatrix> matrices;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const auto w = block_.weight(weights_[i].name);
      matrices.push_back(codec::pack_int_group(
          *codec::int_group_format(*weights_[i].codec), w.rows, w.cols, result.codes[i]));
    }
    return error(matrices);
  }
  double error(ops::Device& device, const DeviceAutoround& result) {
    std::vector<codec::EncodedMatrix> matrices;
    for (const DeviceCodes& codes : result.codes) {
      matrices.push_back(download_codes(device, codes));
    }
    return error(matrices);
  }

  ThreadPool pool_{2};
  DecoderBlock block_ = random_block(small_block_config(), pool_);
  std::vector<float> inputs_ = random_weights(kTokens * block_.config().hidden, 5, 1.0F);
  std::vector<float> targets_ = outputs_of(block_, inputs_);
  std::vector<BlockWeight> weights_;
  std::vector<double> done_;
};

TEST_F(AutoroundOnDevice, BringsTheBlockAsCloseAsTheHostDoes) {
  NIBBLE_NEEDS_GPU(device);
  const double rounded = error(on_host({.iterations = 0}));
  const AutoroundSettings settings{.iterations = 60, .batch = 4};
  const auto wanted = on_host(settings);
  const auto got = on_device(device, settings);
  EXPECT_NEAR(got.first_loss / wanted.first_loss, 1.0, 0.01) << "the same windows";
  EXPECT_NEAR(got.best_loss / wanted.best_loss, 1.0, 0.05);
  EXPECT_LT(error(device, got), 0.8 * rounded);
  EXPECT_NEAR(error(device, got) / error(wanted), 1.0, 0.05);
  EXPECT_EQ(done_.size(), 60U);
  EXPECT_DOUBLE_EQ(done_.back(), 1.0);
}

TEST_F(AutoroundOnDevice, TheStartIsRoundingToNearest) {
  NIBBLE_NEEDS_GPU(device);
  const auto wanted = on_host({.iterations = 0});
  const auto got = on_device(device, {.iterations = 0});
  const auto one = on_device(device, {.iterations = 1, .batch = 16});
  ASSERT_EQ(got.codes.size(), wanted.codes.size());
  for (std::size_t i = 0; i < got.codes.size(); ++i) {
    EXPECT_EQ(codec::unpack_int_group(download_codes(device, got.codes[i])).codes,
              wanted.codes[i].codes)
        << weights_[i].name;
    EXPECT_EQ(codec::unpack_int_group(download_codes(device, one.codes[i])).codes,
              wanted.codes[i].codes)
        << "the only state whose loss is known";
  }
}

TEST_F(AutoroundOnDevice, TheLastStateIsKeptOnRequest) {
  NIBBLE_NEEDS_GPU(device);
  const AutoroundSettings settings{.iterations = 1, .batch = 16, .rate = 0.3, .keeps_best = false};
  const auto first = on_device(device, {.iterations = 0});
  const auto last = on_device(device, settings);
  EXPECT_NE(codec::unpack_int_group(download_codes(device, first.codes[0])).codes,
            codec::unpack_int_group(download_codes(device, last.codes[0])).codes);
}

TEST_F(AutoroundOnDevice, WeightsThatAreNotNamedStay) {
  NIBBLE_NEEDS_GPU(device);
  weights_.erase(weights_.begin(), weights_.begin() + 3);  // q, k and v
  const AutoroundSettings settings{.iterations = 20, .batch = 8};
  EXPECT_NEAR(on_device(device, settings).best_loss / on_host(settings).best_loss, 1.0, 0.05);
}

TEST_F(AutoroundOnDevice, AnotherWeightIsRefused) {
  NIBBLE_NEEDS_GPU(device);
  weights_.push_back({"input_layernorm.weight", weights_[0].codec});
  EXPECT_THROW(on_device(device, {.iterations = 1}), Error);
}

}  // namespace
}  // namespace nibble::quant
