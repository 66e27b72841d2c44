/// Log-probabilities of scored tokens, for many inputs at once.
///
/// The inputs' prefix tree is walked depth first with a stack of nodes whose prefix is computed. A
/// batch takes nodes from the top until it has `batch_tokens` new tokens or the cache budget is
/// reached; a long node is cut into pieces. A node's sequence is a fork of its parent's, and the
/// last child takes the parent's own. The head runs on scored rows only, and no logits are kept
/// (model/language_model.h).
///
/// Requires   inputs are not empty and not longer than the model's context
/// Precision  the sum over an input's targets is float64, in token order, whatever the batches
/// Errors     kCancelled between batches; kOutOfMemory when one input does not fit the cache budget
/// Source     our own
#pragma once

#include <cstddef>
#include <span>

#include "base/function_ref.h"
#include "eval/prefix_tree.h"
#include "model/language_model.h"

namespace nibble::eval {

struct ScorerOptions {
  std::size_t batch_tokens = 512;
  std::size_t batch_sequences = 0;  ///< 0: as many as the tokens allow
  std::size_t kv_bytes = 0;    ///< of the key/value cache; 0: what the longest input and one batch
                               ///< need, at least 256 MiB
  bool share_prefixes = true;  ///< beginnings that inputs have in common are computed once
};

struct InputScore {
  double logprob = 0;
  bool is_greedy = true;  ///< every target is the arg-max of its row
};

struct ScorerCounters {
  std::size_t n_computed_tokens = 0;
  std::size_t n_head_rows = 0;
};

/// Calls `on_scored(input, score)` once for each input, as soon as its last row is known.
void score_inputs(model::LanguageModel& model,
                  std::span<const ScoredInput> inputs,
                  const ScorerOptions& options,
                  ScorerCounters& counters,
                  FunctionRef<void(std::size_t input, const InputScore& score)> on_scored);

}  // namespace nibble::eval
