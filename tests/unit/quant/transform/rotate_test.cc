#include "quant/transform/rotate.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/progress.h"
#include "kernels/reference/hadamard.h"
#include "model/architectures.h"
#include "model/config/hf_config.h"
#include "quant/convert.h"
#include "quant/plan.h"
#include "quant/run.h"
#include "support/quant_golden.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::GoldenTensors;
using nibble::testing::TempFolder;
using ::testing::Contains;
using ::testing::HasSubstr;

/// Logits of every position, [tokens, vocab].
std::vector<float> logits_of(const io::Checkpoint& checkpoint,
                             std::span<const std::int32_t> tokens) {
  ThreadPool pool(2);
  const auto config = model::read_config(checkpoint).take();
  const model::WeightLoader weights(checkpoint, config, Arithmetic::kF32, pool, silent_progress());
  const auto model = model::find_architecture(config.architecture)->build(config, weights);
  auto cache = model->make_cache(std::size_t{1} << 28);
  const std::vector<model::SequenceChunk> chunks = {{cache.create(), tokens}};
  std::vector<std::uint32_t> wanted(tokens.size());
  std::iota(wanted.begin(), wanted.end(), 0U);
  std::vector<float> hidden(tokens.size() * config.hidden);
  const MatrixView<float> states(hidden.data(), tokens.size(), config.hidden);
  model->forward(chunks, cache, wanted, states);
  std::vector<float> logits(tokens.size() * config.vocab);
  model->head(states, {logits.data(), tokens.size(), config.vocab});
  return logits;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double out = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    out = std::max(out, std::fabs(double{a[i]} - double{b[i]}));
  }
  return out;
}

std::unique_ptr<io::Checkpoint> rotate(const io::Checkpoint& source,
                                       const RotateSettings& settings,
                                       ThreadPool& pool) {
  return rotated(source, model::read_config(source).take(), settings, &pool);
}

const std::vector<std::int32_t> kTokens = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};

TEST(RandomSigns, AreSignsThatTheSeedDecides) {
  const auto a = random_signs(1000, 0);
  EXPECT_EQ(a, random_signs(1000, 0));
  EXPECT_NE(a, random_signs(1000, 1));
  EXPECT_NEAR(std::accumulate(a.begin(), a.end(), 0.0F), 0.0F, 150.0F);
  for (const float sign : a) {
    ASSERT_EQ(std::fabs(sign), 1.0F);
  }
}

/// The settings with one, or all, of the five, and with both parts of the transform before o.
std::vector<RotateSettings> all_settings() {
  std::vector<RotateSettings> out(7, {false, false, false, false, false});
  out[0].residual = true;
  out[1].values = true;
  out[2].heads = true;
  out[3].gated = true;
  out[4].attended = true;
  out[5].values = out[5].attended = true;
  out[6] = {};
  return out;
}

/// A model of one layer with three query heads and one for keys and values.
std::unique_ptr<io::Checkpoint> three_heads(const std::filesystem::path& folder) {
  Json config = tiny_config();
  config["hidden_size"] = 192;
  config["num_attention_heads"] = 3;
  const auto shapes = model::list_weights(model::read_hf_config(config, "config.json").take());
  auto writer = io::CheckpointWriter::create(folder).take();
  for (const model::WeightInfo& info : shapes) {
    writer.add_tensor(info.name, tiny_weight(info.name, info.rows, info.cols, 0.0F)).take();
  }
  writer.add_companion("tokenizer.json", tiny_tokenizer()).take();
  writer.finish(config).take();
  return io::open_checkpoint(folder).take();
}

TEST(Rotate, TheModelComputesTheSame) {
  // The feed-forward width is 96, of order 12 times 8.
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 0.0F, 2);
  const auto source = io::open_checkpoint(folder / "tiny").take();
  const auto wanted = logits_of(*source, kTokens);
  ThreadPool pool(2);
  for (const RotateSettings& settings : all_settings()) {
    const auto got = logits_of(*rotate(*source, settings, pool), kTokens);
    EXPECT_LT(largest_difference(got, wanted), 2e-5)
        << settings.residual << settings.values << settings.heads << settings.attended
        << settings.gated;
  }
}

TEST(Rotate, OutputWeightsMeetTheWholeTransform) {
  // Three heads of 64 are 12 runs of 16: a number of heads that has no Hadamard matrix.
  const TempFolder folder;
  const auto source = three_heads(folder / "three");
  ThreadPool pool(2);
  const auto weight_of = [](const io::Checkpoint& checkpoint) {
    const auto config = model::read_config(checkpoint).take();
    return codec::decode_all(
        model::load_weight(checkpoint, config, "model.layers.0.self_attn.o_proj.weight").take());
  };
  std::vector<float> wanted = weight_of(*source);
  std::vector<double> row(192);
  for (std::size_t first = 0; first < wanted.size(); first += row.size()) {
    std::copy_n(&wanted[first], row.size(), row.begin());
    kernels::reference::hadamard(*kernels::exact_hadamard(row.size()), row.data());
    std::ranges::copy(row, &wanted[first]);
  }
  const RotateSettings both = {.residual = false, .values = true, .heads = false, .gated = false};
  const auto view = rotate(*source, both, pool);
  EXPECT_LT(largest_difference(weight_of(*view), wanted), 1e-7);
  EXPECT_LT(largest_difference(logits_of(*view, kTokens), logits_of(*source, kTokens)), 2e-5);
}

TEST(Rotate, EveryKindOfWeightIsAnotherOne) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto source = io::open_checkpoint(folder / "tiny").take();
  ThreadPool pool(2);
  const auto view = rotate(*source, {}, pool);
  const auto config = model::read_config(*view).take();
  for (const model::WeightInfo& info : model::list_weights(config)) {
    const auto before = codec::decode_all(model::load_weight(*source, config, info.name).take());
    const auto after = codec::decode_all(model::load_weight(*view, config, info.name).take());
    EXPECT_GT(largest_difference(before, after), 1e-3) << info.name;
    if (info.role == model::WeightRole::kNorm) {
      EXPECT_EQ(after, std::vector<float>(info.cols, 1.0F));
    }
  }
}

TEST(Rotate, OtherArchitectures) {
  // Biases of q, k and v; norms of heads; a shared head.
  ThreadPool pool(2);
  for (const std::string name : {"qwen2", "qwen3", "llama3-scaled"}) {
    const auto source =
        io::open_checkpoint(nibble::testing::source_path("tests/golden/model") / name).take();
    const auto view = rotate(*source, {}, pool);
    EXPECT_FALSE(model::read_config(*view).take().tied_embeddings);
    EXPECT_LT(largest_difference(logits_of(*view, kTokens), logits_of(*source, kTokens)), 2e-4)
        << name;
  }
  const auto gemma =
      io::open_checkpoint(nibble::testing::source_path("tests/golden/model/gemma3")).take();
  EXPECT_THROW(rotate(*gemma, {}, pool), Error);
}

TEST(Rotate, AFolderSaysWhatIsLeftToDoAndRuns) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto source = io::open_checkpoint(folder / "tiny").take();
  const auto recipe = parse_recipe(R"(
name = "r"
[[stage]]
transform = "rotate"
[[stage]]
solve = "nearest"
scheme = { default = "f32" }
)",
                                   "r")
                          .take();
  ThreadPool pool(2);
  const auto plan = make_plan(recipe, *source).take();
  EXPECT_THAT(plan.notes, Contains(HasSubstr("Hadamard transforms of queries and keys")));
  const auto report =
      quantize_checkpoint(*source, recipe, folder / "out", pool, silent_progress()).take();
  EXPECT_LT(report.relative_error, 1e-7);
  const auto out = io::open_checkpoint(folder / "out").take();
  EXPECT_EQ(out->metadata().at("quantization_config").at("runtime"),
            Json({{"hadamard", {"heads", "attended", "gated"}}}));
  EXPECT_LT(largest_difference(logits_of(*out, kTokens), logits_of(*source, kTokens)), 2e-5);
  EXPECT_THROW(rotate(*out, {}, pool), Error) << "rotated twice";

  const auto refused = convert_checkpoint(*out, "gptq", folder / "gptq", pool, silent_progress());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.failure().message, HasSubstr("which gptq cannot say"));
  convert_checkpoint(*out, "nibble", folder / "again", pool, silent_progress()).take();
  const auto again = io::open_checkpoint(folder / "again").take();
  EXPECT_EQ(logits_of(*again, kTokens), logits_of(*out, kTokens));
}

TEST(Rotate, CalibratedRecipesSeeTheRotatedInputs) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 0.0F, 2);
  std::string rows;
  for (int i = 0; i < 96; ++i) {
    rows += fmt::format("{{\"tokens\": [{}]}}\n", (i * i + i / 7) % 27);
  }
  nibble::testing::write_file(folder / "text.jsonl", rows);
  const auto recipe = parse_recipe(R"(
name = "r"
[calibration]
source = "text.jsonl"
windows = 12
window_tokens = 8
[[stage]]
transform = "rotate"
[[stage]]
solve = "gptq"
scheme = { default = "int8cs" }
)",
                                   "r")
                          .take();
  const auto source = io::open_checkpoint(folder / "tiny").take();
  ThreadPool pool(2);
  const auto report =
      quantize_checkpoint(
          *source, recipe, folder / "out", pool, silent_progress(), {.data = folder.path()})
          .take();
  EXPECT_LT(report.relative_error, 0.02);
  const auto out = io::open_checkpoint(folder / "out").take();
  const auto wanted = logits_of(*source, kTokens);
  const double top = std::fabs(
      double{*std::ranges::max_element(wanted, {}, [](float logit) { return std::fabs(logit); })});
  EXPECT_LT(largest_difference(logits_of(*out, kTokens), wanted), 0.03 * top);
}

TEST(Rotate, LogitsAndWeightsOfTheReference) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::golden("quant/rotation.safetensors"));
  NIBBLE_NEEDS_FILE(model_path, nibble::testing::demo_model());
  const GoldenTensors golden(path);
  const auto source = io::open_checkpoint(model_path).take();
  std::vector<std::int32_t> tokens;
  for (const float token : golden.at("tokens").values) {
    tokens.push_back(static_cast<std::int32_t>(token));
  }
  ThreadPool pool(2);
  const auto view = rotate(*source, {}, pool);
  const auto logits = logits_of(*view, tokens);
  const auto& last = golden.at("logits_last_ref").values;
  const std::vector<float> got(logits.end() - static_cast<std::ptrdiff_t>(last.size()),
                               logits.end());
  EXPECT_LT(largest_difference(got, last), 2e-3);
  const auto& ids = golden.at("logits_top8_ids").values;
  const auto& tops = golden.at("logits_top8_ref").values;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::size_t at = i / 8 * last.size() + static_cast<std::size_t>(ids[i]);
    ASSERT_NEAR(logits[at], tops[i], 2e-3) << "position " << i / 8;
  }
}

}  // namespace
}  // namespace nibble::quant
