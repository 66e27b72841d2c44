/// How much arithmetic and memory traffic a model needs by its shape: what utilisation is a share
/// of.
///
///   token at context s    2 N + 4 sum over layers of d_attn min(s, window)
///   prefill of n tokens   2 N n + 2 sum over layers of d_attn n (n + 1), less the head's work for
///                         all positions but the last: 2 vocab hidden (n - 1)
///   N = weights of all linear layers and the head; d_attn = heads * head_dim
///
/// Softmax, norms, RoPE and dequantization are left out by convention; causal attention counts the
/// half that is needed. Quantized weights change none of it.
///
/// Units      floating-point operations: a multiplication and an addition are two
/// Precision  exact in double below 2^53
/// Errors     none
/// Source     reference/evaluation.md 3.3
#pragma once

#include <cstddef>

#include "model/config.h"

namespace nibble::profile {

/// N: parameters that take part in products for one token.
double matmul_parameters(const model::ModelConfig& config);

/// One token that sees `context` tokens, itself included.
double token_flops(const model::ModelConfig& config, std::size_t context);

/// A prompt of which only the last position's logits are wanted.
double prefill_flops(const model::ModelConfig& config, std::size_t n_tokens);

/// `n_new` tokens behind a prompt, one at a time.
double decode_flops(const model::ModelConfig& config, std::size_t n_prompt, std::size_t n_new);

}  // namespace nibble::profile
