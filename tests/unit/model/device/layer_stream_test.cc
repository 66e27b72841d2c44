// A model on a GPU with some or all of its layers in the host's memory, beside the same model that
// lies on the GPU: the same bits.
#include "model/device/layer_stream.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "io/checkpoint.h"
#include "model/device/decoder.h"
#include "model/device/needs.h"
#include "model/load.h"
#include "support/files.h"
#include "support/gpu.h"

namespace nibble::model {
namespace {

using nibble::testing::demo_model;
using ::testing::HasSubstr;

class KeptNotes final : public ProgressSink {
 public:
  void begin(std::string_view /*stage*/, std::uint64_t /*total*/) override {}
  void advance(std::uint64_t /*steps*/) override {}
  void end() override {}
  void note(std::string_view line) override { text += std::string(line) + "\n"; }
  std::string text;
};

/// Needs of the demo model.
DeviceNeeds needs_of(const std::filesystem::path& path, Arithmetic arithmetic) {
  const auto checkpoint = io::open_checkpoint(path).take();
  return device_needs(*checkpoint, read_config(*checkpoint).take(), arithmetic);
}

/// The model within so many bytes of the device; 0: all that it wants.
class Limited {
 public:
  Limited(const std::filesystem::path& path,
          Arithmetic arithmetic,
          const std::string& device,
          std::size_t limit)
      : model_(std::move(load_model(path,
                                    {.arithmetic = arithmetic,
                                     .with_hash = false,
                                     .device = device,
                                     .device_memory = limit},
                                    pool_,
                                    notes_)
                             .take()
                             .model)),
        cache_(model_->make_cache(std::size_t{256} << 20)) {}

  DeviceDecoder& decoder() { return dynamic_cast<DeviceDecoder&>(*model_); }
  KvCache& cache() { return cache_; }
  [[nodiscard]] const std::string& notes() const { return notes_.text; }

  static std::vector<std::int32_t> tokens(std::size_t n) {
    std::vector<std::int32_t> out(n);
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = static_cast<std::int32_t>((i * 7919 + 13) % 40000);
    }
    return out;
  }

  /// Appends the final hidden states of all rows of the chunks.
  void run(std::span<const SequenceChunk> chunks, std::vector<float>& all) {
    std::size_t n = 0;
    for (const SequenceChunk& chunk : chunks) {
      n += chunk.tokens.size();
    }
    std::vector<std::uint32_t> wanted(n);
    std::iota(wanted.begin(), wanted.end(), 0U);
    const std::size_t width = model_->config().hidden;
    const std::size_t before = all.size();
    all.resize(before + n * width);
    model_->forward(chunks, cache_, wanted, {all.data() + before, n, width});
  }
  /// And their logits.
  std::vector<float> logits(std::span<float> hidden) {
    const std::size_t n = hidden.size() / model_->config().hidden;
    std::vector<float> out(n * model_->config().vocab);
    model_->head({hidden.data(), n, model_->config().hidden},
                 {out.data(), n, model_->config().vocab});
    return out;
  }

 private:
  ThreadPool pool_{2};
  KeptNotes notes_;
  std::unique_ptr<LanguageModel> model_;
  KvCache cache_;
};

/// Prompts of one and of several sequences, tokens one by one behind them as recorded passes, a
/// pass of which nothing is wanted.
struct Outcome {
  std::vector<float> hidden, logits;
  std::vector<std::int32_t> greedy;

  explicit Outcome(Limited& model) {
    const auto text = Limited::tokens(400);
    for (const std::size_t n : {1U, 20U, 90U, 400U}) {
      const std::vector<SequenceChunk> one = {{model.cache().create(), std::span(text).first(n)}};
      model.run(one, hidden);
    }
    for (const std::size_t n_sequences : {1U, 3U, 20U}) {
      std::vector<SequenceChunk> chunks;
      for (std::size_t s = 0; s < n_sequences; ++s) {
        chunks.push_back({model.cache().create(), std::span(text).subspan(s, 10 + 3 * s)});
      }
      model.run(chunks, hidden);
      for (std::size_t step = 0; step < 5; ++step) {
        for (SequenceChunk& chunk : chunks) {
          chunk.tokens = std::span(text).subspan(100 + step, 1);
        }
        model.run(chunks, hidden);
      }
      model.decoder().forward(chunks, model.cache(), {}, {});
      const auto more = model.decoder().decode(chunks, model.cache(), 12);
      greedy.insert(greedy.end(), more.begin(), more.end());
      model.run(chunks, hidden);
      for (const SequenceChunk& chunk : chunks) {
        model.cache().drop(chunk.sequence);
      }
    }
    const std::size_t width = model.decoder().config().hidden;
    logits = model.logits(std::span(hidden).last(20 * width));
  }
};

class StreamedLayers : public ::testing::TestWithParam<Arithmetic> {};

TEST_P(StreamedLayers, ChangeNoBit) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  const DeviceNeeds needs = needs_of(path, GetParam());
  const std::size_t n_layers = needs.layer_bytes.size();
  const auto outcome = [&](std::size_t limit, std::size_t least_on_host) {
    Limited model(path, GetParam(), gpu.name(), limit);
    EXPECT_GE(model.decoder().host_weight_bytes(), least_on_host);
    Outcome out(model);
    if (limit != 0) {
      EXPECT_LE(model.decoder().most_device_bytes().value_or(0), limit);
      EXPECT_THAT(model.notes(), HasSubstr("layers stay in host memory and are copied"));
    } else {
      EXPECT_EQ(model.notes(), "");
      EXPECT_EQ(model.decoder().host_weight_bytes(), 0U);
    }
    return out;
  };
  const Outcome wanted = outcome(0, 0);
  const Outcome again = outcome(0, 0);
  ASSERT_TRUE(std::ranges::equal(wanted.hidden, again.hidden)) << "no two runs are alike";
  for (const std::size_t n : {std::size_t{3}, n_layers / 2, n_layers - 1, n_layers}) {
    const StreamPlan plan = plan_of(needs, spread_layers(n_layers, n));
    const Outcome got = outcome(plan.device_bytes, plan.streamed_bytes * 9 / 10);
    EXPECT_TRUE(std::ranges::equal(got.hidden, wanted.hidden)) << n << " streamed";
    EXPECT_TRUE(std::ranges::equal(got.logits, wanted.logits)) << n << " streamed";
    EXPECT_EQ(got.greedy, wanted.greedy) << n << " streamed";
  }
}

TEST_P(StreamedLayers, CountAsWeightsWhereverTheyLie) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  const DeviceNeeds needs = needs_of(path, GetParam());
  const StreamPlan plan = plan_of(needs, spread_layers(needs.layer_bytes.size(), 10));
  std::size_t resident = 0;
  {
    Limited model(path, GetParam(), gpu.name(), 0);
    resident = model.decoder().weight_bytes();
  }
  Limited model(path, GetParam(), gpu.name(), plan.device_bytes);
  EXPECT_EQ(model.decoder().weight_bytes(), resident);
  EXPECT_GE(model.decoder().cache_budget(), planned_cache_bytes(model.decoder().config()));
}

INSTANTIATE_TEST_SUITE_P(Modes,
                         StreamedLayers,
                         ::testing::Values(Arithmetic::kNative, Arithmetic::kDeterministic),
                         [](const auto& mode) { return std::string(arithmetic_name(mode.param)); });

TEST(StreamedLayersErrors, TooLittleMemoryIsSaidBeforeWorkBegins) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  const DeviceNeeds needs = needs_of(path, Arithmetic::kNative);
  const std::size_t n_layers = needs.layer_bytes.size();
  const std::size_t least = plan_of(needs, spread_layers(n_layers, n_layers)).device_bytes;
  ThreadPool pool(1);
  const auto loaded =
      load_model(path,
                 {.with_hash = false, .device = gpu.name(), .device_memory = least - 1},
                 pool,
                 silent_progress());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.failure().code, ErrorCode::kOutOfMemory);
  EXPECT_THAT(loaded.failure().message, HasSubstr("with all layers in host memory (embedding"));
  EXPECT_THAT(loaded.failure().message, HasSubstr("are allowed"));
}

}  // namespace
}  // namespace nibble::model
