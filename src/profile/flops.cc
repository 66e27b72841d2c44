#include "profile/flops.h"

#include <algorithm>

namespace nibble::profile {
namespace {

double head_parameters(const model::ModelConfig& config) {
  return static_cast<double>(config.vocab) * static_cast<double>(config.hidden);
}

double attention_width(const model::ModelConfig& config) {
  return static_cast<double>(config.n_heads) * static_cast<double>(config.head_dim);
}

bool is_sliding(const model::ModelConfig& config, std::size_t layer) {
  return config.sliding_window > 0 && layer < config.sliding_layers.size() &&
         config.sliding_layers[layer] != 0;
}

/// Sum over the layers of the tokens that a token at `context` sees.
double seen_tokens(const model::ModelConfig& config, std::size_t context) {
  double sum = 0;
  for (std::size_t layer = 0; layer < config.n_layers; ++layer) {
    sum += static_cast<double>(is_sliding(config, layer) ? std::min(context, config.sliding_window)
                                                         : context);
  }
  return sum;
}

}  // namespace

double matmul_parameters(const model::ModelConfig& config) {
  const double keys = static_cast<double>(config.n_kv_heads) * static_cast<double>(config.head_dim);
  const double in_a_layer =
      static_cast<double>(config.hidden) *
      (2 * attention_width(config) + 2 * keys + 3 * static_cast<double>(config.intermediate));
  return static_cast<double>(config.n_layers) * in_a_layer + head_parameters(config);
}

double token_flops(const model::ModelConfig& config, std::size_t context) {
  return 2 * matmul_parameters(config) + 4 * attention_width(config) * seen_tokens(config, context);
}

double decode_flops(const model::ModelConfig& config, std::size_t n_prompt, std::size_t n_new) {
  double sum = 0;
  for (std::size_t i = 1; i <= n_new; ++i) {
    sum += token_flops(config, n_prompt + i);
  }
  return sum;
}

double prefill_flops(const model::ModelConfig& config, std::size_t n_tokens) {
  return n_tokens == 0 ? 0
                       : decode_flops(config, 0, n_tokens) -
                             2 * head_parameters(config) * static_cast<double>(n_tokens - 1);
}

}  // namespace nibble::profile
