/// Generation for many prompts at once: the most probable tokens, or tokens drawn by chance.
///
/// Sequences run together (continuous batching); each stops at an end-of-generation token, at a
/// stop string, at its limit, or at the end of the context.
///
/// Errors     an empty prompt is kInvalidArgument; a prompt longer than the context is cut from
///            the left and counted, and is kInvalidArgument where attention is to be measured
/// Source     our own; stop-string rule: text is cut at the first occurrence of each stop string
///            in turn (lm-evaluation-harness)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "model/attention_mass.h"
#include "model/language_model.h"
#include "model/sampler.h"
#include "text/tokenizer.h"

namespace nibble::model {

struct GenerateRequest {
  std::vector<text::TokenId> prompt;
  std::size_t max_tokens = 64;
  std::vector<std::string> stop;
  bool stop_at_eos = true;
  Sampling sampling{};
  /// What its tokens look at, measured in passing (attention_mass.h): positions count from the
  /// prompt's first token. The last token that is chosen is never read, so it has no row.
  AttentionMass* attention = nullptr;
};

enum class StopReason : std::uint8_t {
  kEndToken,
  kStopString,
  kLimit,
  kContext,
  kNotFinite,  ///< the model gave no finite logit to choose from
};

struct Generation {
  std::vector<text::TokenId> tokens;
  std::string text;  ///< special tokens skipped, cut at stop strings
  StopReason reason = StopReason::kLimit;
  std::size_t n_cut_tokens = 0;  ///< prompt tokens dropped from the left
};

struct GenerateOptions {
  std::size_t batch_tokens = 512;  ///< new tokens in one forward pass
  std::size_t max_running = 32;    ///< sequences at a time
  std::size_t cache_bytes = 0;     ///< of keys and values; 0: LanguageModel::cache_budget
  bool share_prefixes = true;      ///< beginnings that prompts have in common are computed once
};

/// Told what happens while it happens; the default is not to care.
class GenerateListener {
 public:
  virtual ~GenerateListener() = default;
  /// Request `index` has one more token (an end-of-generation token is not told).
  virtual void on_token(std::size_t /*index*/, text::TokenId /*token*/) {}
  /// Request `index` has ended.
  virtual void on_done(std::size_t /*index*/, const Generation& /*generation*/) {}
};

/// `text` up to the first occurrence of each stop string in turn; empty ones are ignored.
std::string cut_at_stops(std::string text, std::span<const std::string> stops);

/// Results in request order. Prompts that begin alike share the computation of that beginning.
std::vector<Generation> generate(LanguageModel& model,
                                 const text::Tokenizer& tokenizer,
                                 std::span<const GenerateRequest> requests,
                                 const GenerateOptions& options,
                                 GenerateListener& listener);

/// As above with default options. `on_done(i)` is called when request i has ended.
std::vector<Generation> generate(LanguageModel& model,
                                 const text::Tokenizer& tokenizer,
                                 std::span<const GenerateRequest> requests,
                                 FunctionRef<void(std::size_t index, const Generation&)> on_done);

}  // namespace nibble::model
