// A whole model on a GPU against the same model on the host in float32.
#include "model/device/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/attention_mass.h"
#include "model/load.h"
#include "support/files.h"
#include "support/gpu.h"
#include "unit/model/device/side.h"

namespace nibble::model {
namespace {

using nibble::testing::demo_model;
using testing::relative_error;
using testing::Side;

class DeviceModel : public ::testing::TestWithParam<Arithmetic> {};

TEST_P(DeviceModel, FollowsTheHostInLogitsAndLoss) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  Side host(path, Arithmetic::kF32, "cpu");
  Side device(path, GetParam(), gpu.name());
  const auto tokens = host.tokens(300);
  EXPECT_NEAR(device.loss(tokens) / host.loss(tokens), 1.0, 1e-3);
  for (const std::size_t n : {1U, 20U, 90U}) {
    const std::vector<SequenceChunk> on_host = {
        {host.cache().create(), std::span(tokens).first(n)}};
    const std::vector<SequenceChunk> on_device = {
        {device.cache().create(), std::span(tokens).first(n)}};
    const auto wanted = host.logits(host.hidden(on_host));
    const auto got = device.logits(device.hidden(on_device));
    EXPECT_LT(relative_error(got, wanted), 5e-3) << n << " tokens";
  }
}

/// One token at a time (a recorded pass) against all at once, over the end of a page.
TEST_P(DeviceModel, DecodesWhatAPromptGives) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  Side device(path, GetParam(), gpu.name());
  const auto tokens = device.tokens(80);
  const std::size_t width = device.model().config().hidden;
  const std::vector<SequenceChunk> whole = {{device.cache().create(), tokens}};
  const auto at_once = device.hidden(whole);
  const SequenceId sequence = device.cache().create();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::vector<SequenceChunk> one = {{sequence, std::span(tokens).subspan(i, 1)}};
    const auto state = device.hidden(one);
    const std::span wanted = std::span(at_once).subspan(i * width, width);
    if (GetParam() == Arithmetic::kDeterministic) {
      ASSERT_TRUE(std::ranges::equal(state, wanted)) << "token " << i;
    } else {
      ASSERT_LT(relative_error(state, wanted), 5e-3) << "token " << i;
    }
  }
}

TEST_P(DeviceModel, GreedyDecodingOnTheDeviceIsThatOfTheHostsLoop) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  Side side(path, GetParam(), gpu.name());
  auto& decoder = dynamic_cast<DeviceDecoder&>(side.model());
  const auto tokens = side.tokens(60);
  constexpr std::size_t kSteps = 12;
  std::vector<SequenceChunk> chunks;
  for (const std::size_t n : {60U, 33U, 5U}) {
    chunks.push_back({side.cache().create(), std::span(tokens).first(n)});
  }
  static_cast<void>(side.hidden(chunks));
  std::vector<SequenceChunk> forks;
  for (SequenceChunk& chunk : chunks) {
    chunk.tokens = std::span(tokens).last(1);
    forks.push_back({side.cache().fork(chunk.sequence), chunk.tokens});
  }
  const auto on_device = decoder.decode(forks, side.cache(), kSteps);
  std::vector<std::int32_t> next(3, tokens.back());
  for (std::size_t step = 0; step < kSteps; ++step) {
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      chunks[i].tokens = std::span(next).subspan(i, 1);
    }
    const auto logits = side.logits(side.hidden(chunks));
    const std::size_t vocab = side.model().config().vocab;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const auto line = std::span(logits).subspan(i * vocab, vocab);
      next[i] = static_cast<std::int32_t>(std::ranges::max_element(line) - line.begin());
      ASSERT_EQ(next[i], on_device[step * 3 + i]) << "step " << step << ", sequence " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes,
                         DeviceModel,
                         ::testing::Values(Arithmetic::kNative, Arithmetic::kDeterministic),
                         [](const auto& mode) { return std::string(arithmetic_name(mode.param)); });

TEST(DeviceModelDeterministic, NoCompanyChangesABit) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  Side device(path, Arithmetic::kDeterministic, gpu.name());
  const auto tokens = device.tokens(200);
  const std::vector<SequenceChunk> alone = {{device.cache().create(), std::span(tokens).first(70)}};
  const auto wanted = device.hidden(alone);
  const std::vector<SequenceChunk> together = {
      {device.cache().create(), std::span(tokens).subspan(50, 150)},
      {device.cache().create(), std::span(tokens).first(70)},
      {device.cache().create(), std::span(tokens).subspan(10, 3)}};
  const auto all = device.hidden(together);
  const std::size_t width = device.model().config().hidden;
  EXPECT_TRUE(std::ranges::equal(wanted, std::span(all).subspan(150 * width, 70 * width)));
}

TEST(DeviceModelErrors, SayWhichDevicesThereAre) {
  ThreadPool pool(1);
  NIBBLE_NEEDS_FILE(path, demo_model());
  for (const auto& [name, code] : {std::pair("gpu7", ErrorCode::kInvalidArgument),
                                   std::pair("cuda:x", ErrorCode::kInvalidArgument),
                                   std::pair("cuda:99", ErrorCode::kDevice)}) {
    const auto loaded =
        load_model(path, {.with_hash = false, .device = name}, pool, silent_progress());
    ASSERT_FALSE(loaded) << name;
    EXPECT_EQ(loaded.failure().code, code) << loaded.failure().message;
  }
}

/// Masses of a prompt and of the tokens behind it, two sequences at once, beside the host's; and
/// final states that are the same bits without a probe.
TEST_P(DeviceModel, MeasuresTheAttentionThatTheHostMeasures) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  constexpr double kTolerance = 2e-2;  // of a mass: keys and queries are binary16, layers add up
  constexpr std::size_t kPrompt = 150, kAll = 156;
  Side host(path, Arithmetic::kF32, "cpu");
  Side device(path, GetParam(), gpu.name());
  const auto tokens = host.tokens(kAll);
  const AttentionProbe probe{.rows = {70, 149},
                             .spans = {{0, 1}, {1, 30}, {40, 41}, {64, 1000}},
                             .every_row_from = kPrompt};
  const auto measure = [&](Side& side, bool is_probed, AttentionMass& one, AttentionMass& two) {
    const SequenceId a = side.cache().create(), b = side.cache().create();
    std::vector<float> states;
    for (std::size_t first = 0; first < kAll; first += first == 0 ? kPrompt : 1) {
      const auto part = std::span(tokens).subspan(first, first == 0 ? kPrompt : 1);
      const std::vector<SequenceChunk> chunks = {{a, part, is_probed ? &one : nullptr},
                                                 {b, part, is_probed ? &two : nullptr}};
      const auto more = side.hidden(chunks);
      states.insert(states.end(), more.begin(), more.end());
    }
    return states;
  };
  const auto& config = host.model().config();
  AttentionMass wanted(config, probe), other(config, probe), got(config, probe),
      got_2(config, probe);
  measure(host, true, wanted, other);
  const auto probed = measure(device, true, got, got_2);
  EXPECT_EQ(probed, measure(device, false, other, other));
  ASSERT_EQ(got.n_rows(), 2 + kAll - kPrompt);
  EXPECT_TRUE(got.is_complete() && got_2.is_complete());
  double furthest = 0.0, sum = 0.0;
  std::size_t n = 0;
  for (std::size_t row = 0; row < got.n_rows(); ++row) {
    for (std::size_t i = 0; i < got.row_size(); ++i, ++n) {
      const double apart = std::abs(static_cast<double>(got.of_row(row)[i]) -
                                    static_cast<double>(wanted.of_row(row)[i]));
      furthest = std::max(furthest, apart);
      sum += apart;
    }
    EXPECT_TRUE(std::ranges::equal(got.of_row(row), got_2.of_row(row))) << row;
  }
  EXPECT_LT(furthest, kTolerance);
  EXPECT_LT(sum / static_cast<double>(n), 5e-4);
}

}  // namespace
}  // namespace nibble::model
