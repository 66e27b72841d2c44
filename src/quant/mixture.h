/// Which GGUF block type each weight of a model gets in the mixtures of llama.cpp.
///
///   mixture               most weights   the others
///   q4_0 … q8_0, q6_k     as named       head (or the embedding that serves as one): q6_k
///   q2_k                  q2_k           o and down: q3_k; v: q3_k, or q4_k where four or more
///                                        queries share it; head: q6_k
///   q3_k_m                q3_k           o: q4_k; v: q5_k in two layers, else q4_k; down: q5_k in
///                                        the first sixteenth of the layers, else q4_k; head: q6_k
///   q4_k_m, q5_k_m        q4_k, q5_k     v and down: q6_k in the first and last eighth of the
///                                        layers and in every third between; head: q6_k
///   iq4_nl                iq4_nl         v: q5_k where four or more queries share it; down: q5_k
///                                        in the first eighth; head: q6_k
///
/// Rows that no block of 256 divides get another type: q5_0 for q4_k, q5_1 for q5_k, q8_0 for q6_k,
/// q4_0 for q2_k and q3_k. Rows that no block of 32 divides keep what they have.
///
/// Source     the choices of llama-quantize, compared with its files in
///            tests/integration/gguf_peer.py
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/codec.h"
#include "model/config.h"
#include "model/weights.h"

namespace nibble::quant {

struct Mixture {
  std::string_view name;
  std::string_view codec;  ///< of most weights
};

std::span<const Mixture> mixture_table() noexcept;
/// kUnsupported names the nearest.
Result<const Mixture*> find_mixture(std::string_view name);

/// The codec of a matrix; nullptr where it is left alone.
std::shared_ptr<const codec::Codec> mixture_codec(const Mixture& mixture,
                                                  const model::ModelConfig& config,
                                                  const model::WeightInfo& weight);

}  // namespace nibble::quant
