/// Perplexity of the demo model after each deterministic method, against the reference
/// implementations run on the same weights and tokens: the first window of 2048 tokens of
/// WikiText-2, float32 arithmetic, group parameters in float32.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "model/architectures.h"
#include "model/config.h"
#include "model/weights/weight_loader.h"
#include "quant/run.h"
#include "support/quant_golden.h"

namespace nibble::quant {
namespace {

using nibble::testing::quant_golden;

constexpr std::size_t kWindow = 2048;
constexpr std::size_t kHeadRows = 128;  // rows of logits in memory at a time

double nll(std::span<const float> logits, std::int32_t token) {
  const double top = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0;
  for (const float x : logits) {
    sum += std::exp(static_cast<double>(x) - top);
  }
  return top + std::log(sum) - static_cast<double>(logits[static_cast<std::size_t>(token)]);
}

/// Mean negative log-likelihood of tokens 1 … n-1.
double window_nll(const std::filesystem::path& path, std::span<const std::int32_t> tokens) {
  ThreadPool pool;
  const auto checkpoint = io::open_checkpoint(path).take();
  const auto config = model::read_config(*checkpoint).take();
  const model::WeightLoader weights(*checkpoint, config, Arithmetic::kF32, pool, silent_progress());
  const auto language_model = model::find_architecture(config.architecture)->build(config, weights);

  auto cache = language_model->make_cache(std::size_t{1} << 30);
  const model::SequenceChunk chunk{cache.create(), tokens};
  std::vector<std::uint32_t> wanted(tokens.size() - 1);
  std::iota(wanted.begin(), wanted.end(), 0U);
  std::vector<float> hidden(wanted.size() * config.hidden);
  const MatrixView<float> view{hidden.data(), wanted.size(), config.hidden};
  language_model->forward({&chunk, 1}, cache, wanted, view);

  std::vector<float> logits(kHeadRows * config.vocab);
  double sum = 0;
  for (std::size_t first = 0; first < wanted.size(); first += kHeadRows) {
    const std::size_t n = std::min(kHeadRows, wanted.size() - first);
    const MatrixView<float> out{logits.data(), n, config.vocab};
    language_model->head(view.rows_from(first, n), out);
    for (std::size_t i = 0; i < n; ++i) {
      sum += nll(out.row_span(i), tokens[first + i + 1]);
    }
  }
  return sum / static_cast<double>(wanted.size());
}

struct Row {
  const char* golden;  ///< key of model_ppl.json
  const char* recipe;  ///< "" for the model as it is
  double tolerance;    ///< of the perplexity, relative
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.golden;
}

class QuantizedPerplexity : public ::testing::TestWithParam<Row> {};

TEST_P(QuantizedPerplexity, EqualsTheReference) {
  NIBBLE_NEEDS_FILE(model_path, nibble::testing::demo_model());
  NIBBLE_NEEDS_FILE(golden_path, quant_golden("model_ppl.json"));
  NIBBLE_NEEDS_FILE(tokens_path, quant_golden("model_tokens.safetensors"));
  const auto golden = nlohmann::json::parse(nibble::testing::read_file(golden_path));
  const double wanted = golden.at(GetParam().golden).at("window_nll").at(0);
  const nibble::testing::GoldenTensors tensors(tokens_path);
  const auto& ids = tensors.at("test").values;
  std::vector<std::int32_t> tokens(kWindow);
  std::transform(ids.begin(), ids.begin() + kWindow, tokens.begin(), [](float id) {
    return static_cast<std::int32_t>(id);
  });

  const nibble::testing::TempFolder folder;
  std::filesystem::path path = model_path;
  if (std::string_view(GetParam().recipe) != "") {
    ThreadPool pool;
    path = folder / "quantized";
    const auto checkpoint = io::open_checkpoint(model_path).take();
    const auto recipe = load_recipe(GetParam().recipe).take();
    quantize_checkpoint(*checkpoint, recipe, path, pool, silent_progress()).take();
  }
  const double got = window_nll(path, tokens);
  RecordProperty("nll", std::to_string(got));
  EXPECT_NEAR(std::exp(got - wanted), 1.0, GetParam().tolerance)
      << "nll " << got << ", wanted " << wanted;
}

INSTANTIATE_TEST_SUITE_P(
    Rows,
    QuantizedPerplexity,
    ::testing::Values(Row{"plain fp32", "", 1e-4},
                      Row{"plain rtn4_g128_asym", "method=nearest,codec=int4g128a", 0.003},
                      Row{"plain rtn4_g128_sym", "method=nearest,codec=int4g128s", 0.003},
                      Row{"plain rtn3_g128_asym", "method=nearest,codec=int3g128a", 0.003},
                      Row{"plain nf4_bs64", "method=nearest,codec=nf4b64", 0.003},
                      Row{"plain nf4_bs64_dq", "method=nearest,codec=nf4b64dq", 0.003},
                      Row{"plain hqq4_g64_axis1", "method=hqq,codec=int4g64f", 0.01},
                      Row{"plain hqq3_g64_axis1", "method=hqq,codec=int3g64f", 0.01}));

}  // namespace
}  // namespace nibble::quant
