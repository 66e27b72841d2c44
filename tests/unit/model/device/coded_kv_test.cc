// Models that keep coded keys and values on a GPU, against the same on the host in float32.
//
// Tolerance: keys and values are binary16 before they are coded, and one that lies between two
// codes may take the other one: a step of a few bits, of few of them.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "model/attention_mass.h"
#include "model/device/decoder.h"
#include "support/files.h"
#include "support/gpu.h"
#include "unit/model/device/side.h"

namespace nibble::model {
namespace {

using nibble::testing::demo_model;
using testing::relative_error;
using testing::Side;

/// Coarser codes turn more of what rounding to binary16 leaves into other codes; the tables of
/// kvquant are those of no calibration here.
struct TestedScheme {
  std::string_view name;
  double loss_tolerance;    ///< beside the host in float32, relative
  double hidden_tolerance;  ///< of decoding beside a prompt, in native
};
constexpr TestedScheme kSchemes[] = {{"int8", 0.01, 0.05},
                                     {"int4", 0.01, 0.3},
                                     {"kivi-4", 0.01, 0.3},
                                     {"kivi-2", 0.05, 0.3},
                                     {"kvquant-4", 0.05, 0.3},
                                     {"kvquant-3", 0.05, 0.3}};

class DeviceCodedKv : public ::testing::TestWithParam<Arithmetic> {};

TEST_P(DeviceCodedKv, LossIsTheHosts) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  for (const auto& [scheme, tolerance, hidden_tolerance] : kSchemes) {
    Side host(path, Arithmetic::kF32, "cpu", scheme);
    Side device(path, GetParam(), gpu.name(), scheme);
    const auto tokens = host.tokens(400);
    EXPECT_NEAR(device.loss(tokens) / host.loss(tokens), 1.0, tolerance) << scheme;
  }
}

/// One token at a time (a recorded pass) against all at once, over windows and groups that fill; and
/// a fork of what was decoded, which goes on by itself.
TEST_P(DeviceCodedKv, DecodesWhatAPromptGives) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  for (const auto& [scheme, loss_tolerance, tolerance] : kSchemes) {
    Side device(path, GetParam(), gpu.name(), scheme);
    const auto tokens = device.tokens(300);
    const std::size_t width = device.model().config().hidden;
    const std::vector<SequenceChunk> whole = {{device.cache().create(), tokens}};
    const auto at_once = device.hidden(whole);
    const SequenceId parent = device.cache().create();
    SequenceId sequence = parent;
    constexpr std::size_t kPrompt = 100, kForkAt = 210;
    for (std::size_t i = 0; i < tokens.size();) {
      const std::size_t n = i == 0 ? kPrompt : 1;
      if (i == kForkAt) {
        sequence = device.cache().fork(parent);
      }
      const auto part = std::span(tokens).subspan(i, n);
      const std::vector<SequenceChunk> one = {{sequence, part}};
      const auto state = device.hidden(one);
      const std::span wanted = std::span(at_once).subspan(i * width, n * width);
      if (GetParam() == Arithmetic::kDeterministic) {
        ASSERT_TRUE(std::ranges::equal(state, wanted)) << scheme << ", token " << i;
      } else {
        ASSERT_LT(relative_error(state, wanted), tolerance) << scheme << ", token " << i;
      }
      i += n;
    }
    const std::vector<SequenceChunk> more = {{parent, std::span(tokens).subspan(kForkAt, 1)}};
    const auto state = device.hidden(more);
    const std::span wanted = std::span(at_once).subspan(kForkAt * width, width);
    EXPECT_LT(relative_error(state, wanted), tolerance) << scheme << ", the parent goes on";
  }
}

TEST_P(DeviceCodedKv, GreedyDecodingOnTheDeviceIsThatOfTheHostsLoop) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  Side side(path, GetParam(), gpu.name(), "kivi-4");
  auto& decoder = dynamic_cast<DeviceDecoder&>(side.model());
  const auto tokens = side.tokens(192);  // the first step sees the last float of a page
  constexpr std::size_t kSteps = 40;
  const std::vector<SequenceChunk> prompt = {
      {side.cache().create(), std::span(tokens).first(tokens.size() - 1)}};
  static_cast<void>(side.hidden(prompt));
  const std::vector<SequenceChunk> fork = {
      {side.cache().fork(prompt[0].sequence), std::span(tokens).last(1)}};
  const auto on_device = decoder.decode(fork, side.cache(), kSteps);
  std::int32_t next = tokens.back();
  for (std::size_t step = 0; step < kSteps; ++step) {
    const std::vector<SequenceChunk> one = {{prompt[0].sequence, std::span(&next, 1)}};
    const auto logits = side.logits(side.hidden(one));
    next = static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin());
    ASSERT_EQ(next, on_device[step]) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes,
                         DeviceCodedKv,
                         ::testing::Values(Arithmetic::kNative, Arithmetic::kDeterministic),
                         [](const auto& mode) { return std::string(arithmetic_name(mode.param)); });

TEST(DeviceCodedKvDeterministic, NoCompanyChangesABit) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  Side device(path, Arithmetic::kDeterministic, gpu.name(), "kivi-2");
  const auto tokens = device.tokens(400);
  const std::vector<SequenceChunk> alone = {
      {device.cache().create(), std::span(tokens).first(230)}};
  const auto wanted = device.hidden(alone);
  const std::vector<SequenceChunk> together = {
      {device.cache().create(), std::span(tokens).subspan(50, 150)},
      {device.cache().create(), std::span(tokens).first(230)},
      {device.cache().create(), std::span(tokens).subspan(10, 3)}};
  const auto all = device.hidden(together);
  const std::size_t width = device.model().config().hidden;
  EXPECT_TRUE(std::ranges::equal(wanted, std::span(all).subspan(150 * width, 230 * width)));
}

/// Caches of several schemes in turn: recorded passes are those of their own.
TEST(DeviceCodedKvCaches, TakeTurns) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  Side device(path, Arithmetic::kDeterministic, gpu.name());
  const auto tokens = device.tokens(40);
  const auto decoded = [&](KvCache& cache) {
    const SequenceId sequence = cache.create();
    std::vector<float> state(device.model().config().hidden);
    const std::vector<std::uint32_t> wanted = {0};
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const std::vector<SequenceChunk> one = {{sequence, std::span(tokens).subspan(i, 1)}};
      device.model().forward(one, cache, wanted, {state.data(), 1, state.size()});
    }
    return state;
  };
  KvCache plain = device.model().make_cache(testing::kCacheBytes);
  device.model().set_kv(
      kv_setup(*codec::kv_scheme_from_name("int4").take(), Arithmetic::kDeterministic));
  KvCache coded = device.model().make_cache(testing::kCacheBytes);
  const auto first = decoded(plain), other = decoded(coded);
  EXPECT_EQ(decoded(plain), first);
  EXPECT_EQ(decoded(coded), other);
  EXPECT_NE(first, other);
}

TEST(DeviceCodedKvErrors, SayWhatADeviceDoesNotKeepOrMeasure) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  Side device(path, Arithmetic::kNative, gpu.name(), "kivi-4");
  const auto tokens = device.tokens(20);
  const AttentionProbe probe{.rows = {10}, .spans = {{0, 5}}};
  AttentionMass mass(device.model().config(), probe);
  const std::vector<SequenceChunk> probed = {{device.cache().create(), tokens, &mass}};
  try {
    static_cast<void>(device.hidden(probed));
    FAIL() << "attention was measured";
  } catch (const Error& error) {
    EXPECT_EQ(error.failure().code, ErrorCode::kUnsupported);
    EXPECT_NE(std::string_view(error.what()).find("kivi-4"), std::string_view::npos);
  }
  Side floats(path, Arithmetic::kNative, gpu.name(), "f32");
  const std::vector<SequenceChunk> whole = {{floats.cache().create(), tokens}};
  EXPECT_THROW(static_cast<void>(floats.hidden(whole)), Error);
}

}  // namespace
}  // namespace nibble::model
