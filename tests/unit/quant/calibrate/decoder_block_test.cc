#include "quant/calibrate/decoder_block.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/progress.h"
#include "model/architectures.h"
#include "ops/elementwise.h"
#include "support/files.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kWindow = 9;

std::vector<std::int32_t> some_tokens(std::size_t vocab) {
  std::vector<std::int32_t> out;
  for (std::size_t i = 0; i < 2 * kWindow; ++i) {
    out.push_back(static_cast<std::int32_t>((i * i * 7 + 3) % vocab));
  }
  return out;
}

/// The final states of two windows, by the model itself.
std::vector<float> by_the_model(const io::Checkpoint& checkpoint,
                                const model::ModelConfig& config,
                                std::span<const std::int32_t> tokens,
                                ThreadPool& pool) {
  const model::WeightLoader weights(checkpoint, config, Arithmetic::kF32, pool, silent_progress());
  const auto model = model::find_architecture(config.architecture)->build(config, weights);
  auto cache = model->make_cache(std::size_t{1} << 26);
  const std::vector<model::SequenceChunk> chunks = {{cache.create(), tokens.first(kWindow)},
                                                    {cache.create(), tokens.subspan(kWindow)}};
  std::vector<std::uint32_t> wanted(tokens.size());
  std::iota(wanted.begin(), wanted.end(), 0U);
  std::vector<float> hidden(tokens.size() * config.hidden);
  model->forward(chunks, cache, wanted, {hidden.data(), tokens.size(), config.hidden});
  return hidden;
}

/// The same by one block after the other.
std::vector<float> by_the_blocks(const io::Checkpoint& checkpoint,
                                 const model::ModelConfig& config,
                                 std::span<const std::int32_t> tokens,
                                 ThreadPool& pool) {
  const auto load = [&](std::string_view name) {
    return codec::decode_all(model::load_weight(checkpoint, config, name).take());
  };
  const auto embedding = load("model.embed_tokens.weight");
  std::vector<float> hidden;
  for (const std::int32_t token : tokens) {
    for (std::size_t c = 0; c < config.hidden; ++c) {
      hidden.push_back(embedding[static_cast<std::size_t>(token) * config.hidden + c] *
                       config.embedding_scale);
    }
  }
  const MatrixView<float> view(hidden.data(), tokens.size(), config.hidden);
  for (std::size_t layer = 0; layer < config.n_layers; ++layer) {
    auto block = DecoderBlock::load(checkpoint, config, layer, pool);
    std::vector<float> inner(tokens.size() * block.inner_cols());
    const BlockRows rows{view, {inner.data(), tokens.size(), block.inner_cols()}, kWindow};
    for (const Site site : kSites) {
      EXPECT_EQ(block.reach(site, rows).cols, block.cols_at(site));
    }
    block.leave(rows);
  }
  ops::rms_norm(view, load("model.norm.weight"), config.norm_epsilon, view, pool);
  return hidden;
}

class Walk : public ::testing::TestWithParam<const char*> {};

TEST_P(Walk, EqualsThatOfTheModel) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::golden(std::string("model/") + GetParam()));
  const auto checkpoint = io::open_checkpoint(path).take();
  const auto config = model::read_config(*checkpoint).take();
  ThreadPool pool(2);
  const auto tokens = some_tokens(config.vocab);
  const auto wanted = by_the_model(*checkpoint, config, tokens, pool);
  const auto got = by_the_blocks(*checkpoint, config, tokens, pool);
  EXPECT_THAT(got, ::testing::Pointwise(::testing::FloatNear(2e-5F), wanted));
}

INSTANTIATE_TEST_SUITE_P(
    Architectures,
    Walk,
    ::testing::Values("gemma3", "llama3-scaled", "mistral-window", "qwen2", "qwen3"),
    [](const auto& row) {
      std::string name = row.param;
      std::ranges::replace(name, '-', '_');
      return name;
    });

TEST(DecoderBlock, NamesWithinTheBlock) {
  EXPECT_EQ(DecoderBlock::short_name("model.layers.12.mlp.up_proj.weight"), "mlp.up_proj.weight");
  EXPECT_EQ(DecoderBlock::short_name("model.norm.weight"), "model.norm.weight");
}

TEST(DecoderBlock, AWeightOfAnotherSizeIsRefused) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::golden("model/qwen2"));
  const auto checkpoint = io::open_checkpoint(path).take();
  const auto config = model::read_config(*checkpoint).take();
  ThreadPool pool(1);
  auto block = DecoderBlock::load(*checkpoint, config, 0, pool);
  EXPECT_THROW(block.set_weight("mlp.up_proj.weight", std::vector<float>(3)), Error);
}

}  // namespace
}  // namespace nibble::quant
