#include "profile/flops.h"

#include <gtest/gtest.h>

namespace nibble::profile {
namespace {

model::ModelConfig mistral_7b() {
  model::ModelConfig config;
  config.vocab = 32000;
  config.hidden = 4096;
  config.intermediate = 14336;
  config.n_layers = 32;
  config.n_heads = 32;
  config.n_kv_heads = 8;
  config.head_dim = 128;
  return config;
}

// The constants of the evaluation reference, section 3.3.
TEST(Flops, OfMistralAndLlamaAsTheLiteratureHasThem) {
  const model::ModelConfig mistral = mistral_7b();
  // Parameters without the embedding (131,072,000) and the 65 norms.
  EXPECT_EQ(matmul_parameters(mistral), 7'241'732'096.0 - 131'072'000 - 65 * 4096);
  EXPECT_NEAR(token_flops(mistral, 4096) - token_flops(mistral, 0), 2.147483648e9, 1);
  model::ModelConfig llama = mistral;
  llama.intermediate = 11008;
  llama.n_kv_heads = 32;
  EXPECT_EQ(matmul_parameters(llama), 6'738'415'616.0 - 131'072'000 - 65 * 4096);
  EXPECT_NEAR(2 * matmul_parameters(llama), 13.21e9, 0.005e9);
}

TEST(Flops, PrefillIsTheCausalHalfWithoutTheHeadOfAllButOne) {
  const model::ModelConfig config = mistral_7b();
  const double n = 512;
  const double expected = 2 * matmul_parameters(config) * n + 2.0 * 32 * 4096 * n * (n + 1) -
                          2.0 * 32000 * 4096 * (n - 1);
  EXPECT_NEAR(prefill_flops(config, 512) / expected, 1, 1e-12);
  EXPECT_DOUBLE_EQ(prefill_flops(config, 1), token_flops(config, 1));
  EXPECT_EQ(prefill_flops(config, 0), 0);
}

TEST(Flops, DecodingSeesWhatCameBefore) {
  const model::ModelConfig config = mistral_7b();
  const double m = 32, n = 128;
  const double expected =
      2 * matmul_parameters(config) * m + 4.0 * 32 * 4096 * (m * n + m * (m + 1) / 2);
  EXPECT_NEAR(decode_flops(config, 128, 32) / expected, 1, 1e-12);
}

TEST(Flops, AWindowBoundsWhatALayerSees) {
  model::ModelConfig config = mistral_7b();
  config.sliding_window = 1024;
  config.sliding_layers.assign(32, 0);
  config.sliding_layers[0] = 1;
  const double full = 4.0 * 4096 * 4096;
  EXPECT_NEAR(token_flops(config, 4096) - 2 * matmul_parameters(config), 31 * full + full / 4, 1);
}

}  // namespace
}  // namespace nibble::profile
