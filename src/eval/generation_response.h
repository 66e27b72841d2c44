/// What a generation says as the response to a request.
///
/// Source     our own
#pragma once

#include "eval/request.h"
#include "model/generate.h"

namespace nibble::eval {

/// `n_cut_tokens` of the prompt were left out; `has_double_bos` is the whole prompt's.
inline GenerationResponse generation_response(const model::Generation& generation,
                                              std::size_t n_cut_tokens,
                                              bool has_double_bos) {
  return {.text = generation.text,
          .n_tokens = generation.tokens.size(),
          .hit_limit = generation.reason == model::StopReason::kLimit ||
                       generation.reason == model::StopReason::kContext,
          .n_cut_tokens = n_cut_tokens,
          .is_answered = generation.reason != model::StopReason::kNotFinite,
          .has_double_bos = has_double_bos};
}

}  // namespace nibble::eval
