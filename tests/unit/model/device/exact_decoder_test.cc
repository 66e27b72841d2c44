// f32 arithmetic on a GPU against the same arithmetic on the host.
#include "model/device/exact_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "model/attention_mass.h"
#include "model/load.h"
#include "support/files.h"
#include "support/gpu.h"

namespace nibble::model {
namespace {

const char* const kExactText =
    "A reference is slow, and that is its right: it says what the others round. Two machines that "
    "add the same numbers in float32 agree in five digits, whatever the order in which they add.";

/// A model in float32 and a cache.
struct ExactSide {
  ExactSide(const std::filesystem::path& path, const std::string& device)
      : loaded(load_model(path,
                          {.arithmetic = Arithmetic::kF32, .with_hash = false, .device = device},
                          pool,
                          silent_progress())
                   .take()),
        cache(loaded.model->make_cache(std::size_t{1} << 30)) {}

  std::vector<std::int32_t> tokens(std::size_t n) const {
    std::vector<std::int32_t> all;
    while (all.size() < n) {
      const auto more = loaded.tokenizer->encode(kExactText, text::AddSpecial::kNo).take();
      all.insert(all.end(), more.begin(), more.end());
    }
    all.resize(n);
    return all;
  }
  /// Final hidden states of all rows.
  std::vector<float> hidden(std::span<const SequenceChunk> chunks) {
    std::size_t n = 0;
    for (const SequenceChunk& chunk : chunks) {
      n += chunk.tokens.size();
    }
    std::vector<std::uint32_t> wanted(n);
    std::iota(wanted.begin(), wanted.end(), 0U);
    std::vector<float> out(n * width());
    loaded.model->forward(chunks, cache, wanted, {out.data(), n, width()});
    return out;
  }
  std::vector<float> logits(std::vector<float> states) {
    const std::size_t n = states.size() / width(), vocab = loaded.model->config().vocab;
    std::vector<float> out(n * vocab);
    loaded.model->head({states.data(), n, width()}, {out.data(), n, vocab});
    return out;
  }
  /// Scores of each token after the first.
  std::vector<ops::TokenScore> scores(std::span<const std::int32_t> tokens_of_text) {
    const std::vector<SequenceChunk> chunks = {{cache.create(), tokens_of_text}};
    const std::vector<float> states = hidden(chunks);
    std::vector<ops::RowTarget> targets;
    for (std::size_t i = 0; i + 1 < tokens_of_text.size(); ++i) {
      targets.push_back({i, tokens_of_text[i + 1]});
    }
    std::vector<ops::TokenScore> out(targets.size());
    loaded.model->score({states.data(), tokens_of_text.size(), width()}, targets, out);
    return out;
  }
  std::size_t width() const { return loaded.model->config().hidden; }

  ThreadPool pool{2};
  LoadedModel loaded;
  KvCache cache;
};

TEST(ExactDecoder, GivesTheHostsLogitsAndScores) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  ExactSide host(path, "cpu"), device(path, gpu.name());
  EXPECT_NE(dynamic_cast<ExactDecoder*>(device.loaded.model.get()), nullptr);
  const auto tokens = host.tokens(300);
  const auto wanted = host.scores(tokens), got = device.scores(tokens);
  double sum_wanted = 0.0, sum_got = 0.0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_NEAR(got[i].logprob, wanted[i].logprob, 1e-4 * (1.0 + std::fabs(wanted[i].logprob)))
        << "token " << i;
    sum_wanted += wanted[i].logprob;
    sum_got += got[i].logprob;
  }
  EXPECT_NEAR(sum_got / sum_wanted, 1.0, 2e-6);
  const std::vector<SequenceChunk> on_host = {{host.cache.create(), std::span(tokens).first(40)}};
  const std::vector<SequenceChunk> on_device = {
      {device.cache.create(), std::span(tokens).first(40)}};
  const auto a = host.logits(host.hidden(on_host)), b = device.logits(device.hidden(on_device));
  double error = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    norm += std::pow(static_cast<double>(a[i]), 2);
  }
  EXPECT_LT(std::sqrt(error / norm), 2e-5);
}

/// All at once, one token at a time, beside others: the same bits.
TEST(ExactDecoder, NoCompanyChangesABit) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  ExactSide device(path, gpu.name());
  const auto tokens = device.tokens(150);
  const std::vector<SequenceChunk> alone = {{device.cache.create(), std::span(tokens).first(70)}};
  const auto wanted = device.hidden(alone);
  const std::vector<SequenceChunk> together = {
      {device.cache.create(), std::span(tokens).subspan(20, 90)},
      {device.cache.create(), std::span(tokens).first(70)},
      {device.cache.create(), std::span(tokens).subspan(10, 3)}};
  const auto all = device.hidden(together);
  EXPECT_TRUE(
      std::ranges::equal(wanted, std::span(all).subspan(90 * device.width(), 70 * device.width())));
  const SequenceId sequence = device.cache.create();
  for (std::size_t i = 0; i < 70; ++i) {
    const std::vector<SequenceChunk> one = {{sequence, std::span(tokens).subspan(i, 1)}};
    ASSERT_TRUE(std::ranges::equal(device.hidden(one),
                                   std::span(wanted).subspan(i * device.width(), device.width())))
        << "token " << i;
  }
}

TEST(ExactDecoder, MeasuresTheHostsMasses) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  ExactSide host(path, "cpu"), device(path, gpu.name());
  const auto tokens = host.tokens(120);
  const AttentionProbe probe{.rows = {70, 119}, .spans = {{0, 1}, {1, 30}, {64, 1000}}};
  const auto& config = host.loaded.model->config();
  AttentionMass wanted(config, probe), got(config, probe);
  const std::vector<SequenceChunk> on_host = {{host.cache.create(), tokens, &wanted}};
  const std::vector<SequenceChunk> on_device = {{device.cache.create(), tokens, &got}};
  static_cast<void>(host.hidden(on_host));
  static_cast<void>(device.hidden(on_device));
  ASSERT_TRUE(got.is_complete());
  for (std::size_t row = 0; row < got.n_rows(); ++row) {
    for (std::size_t i = 0; i < got.row_size(); ++i) {
      ASSERT_NEAR(got.of_row(row)[i], wanted.of_row(row)[i], 2e-5F) << row << ", " << i;
    }
  }
}

TEST(ExactDecoder, RefusesKeysThatAreNotFloat32) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  NIBBLE_NEEDS_GPU(gpu);
  ExactSide device(path, gpu.name());
  device.loaded.model->set_kv(default_kv_setup(Arithmetic::kNative));
  KvCache halves = device.loaded.model->make_cache(std::size_t{1} << 26);
  const auto tokens = device.tokens(3);
  const std::vector<SequenceChunk> chunks = {{halves.create(), tokens}};
  try {
    device.loaded.model->forward(chunks, halves, {}, {nullptr, 0, device.width()});
    FAIL() << "binary16 keys were taken for float32";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << error.what();
  }
}

}  // namespace
}  // namespace nibble::model
