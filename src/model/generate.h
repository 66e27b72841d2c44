/// Greedy generation for many prompts at once.
///
/// Sequences run together (continuous batching); each stops at an end-of-generation token, at a
/// stop string, at its limit, or at the end of the context.
///
/// Errors     an empty prompt is kInvalidArgument; a prompt longer than the context is cut from
///            the left and counted
/// Source     our own; stop-string rule: text is cut at the first occurrence of each stop string
///            in turn (lm-evaluation-harness)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "model/language_model.h"
#include "text/tokenizer.h"

namespace nibble::model {

struct GenerateRequest {
  std::vector<text::TokenId> prompt;
  std::size_t max_tokens = 64;
  std::vector<std::string> stop;
  bool stop_at_eos = true;
};

enum class StopReason : std::uint8_t { kEndToken, kStopString, kLimit, kContext };

struct Generation {
  std::vector<text::TokenId> tokens;
  std::string text;  ///< special tokens skipped, cut at stop strings
  StopReason reason = StopReason::kLimit;
  std::size_t n_cut_tokens = 0;  ///< prompt tokens dropped from the left
};

/// Results in request order. `on_done(i)` is called when request i has ended (may be empty).
std::vector<Generation> generate(LanguageModel& model,
                                 const text::Tokenizer& tokenizer,
                                 std::span<const GenerateRequest> requests,
                                 FunctionRef<void(std::size_t index, const Generation&)> on_done);

}  // namespace nibble::model
