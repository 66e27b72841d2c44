/// Responses as JSON text, so that a store can keep them and scores can be made again without the
/// model.
///
///   log-likelihood, rolling, window   [logprob, is_greedy]
///   generation                        "text", or null where the model gave no finite logits
///   divergence                        [kl, n_rows, n_same_top]
///
/// Layout     one array, a value a request, in the order of the requests; what is not finite is
///            null
/// Precision  float64, shortest form that reads back as the same number
/// Source     our own
#pragma once

#include <span>
#include <string>

#include "eval/request.h"

namespace nibble::eval {

std::string responses_json(std::span<const Response> responses);

}  // namespace nibble::eval
