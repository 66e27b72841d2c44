/// The kinds of question that an evaluation asks a model, and their answers.
///
/// Log-likelihood requests follow lm-evaluation-harness: trailing white space of the context moves
/// to the continuation, the continuation's tokens are those of the joint encoding behind the
/// context's count, inputs are cut from the left to the context length, an empty context becomes
/// the prefix token (BOS, else EOS).
///
/// Source     lm-evaluation-harness 0.4.13: loglikelihood, loglikelihood_rolling, generate_until
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "model/attention_mass.h"
#include "model/sampler.h"

namespace nibble::eval {

struct LoglikelihoodRequest {
  std::string context;
  std::string continuation;
};
/// The whole text, in windows of `max_window` tokens (0: the engine's context), each token scored
/// once.
struct RollingRequest {
  std::string text;
  std::size_t max_window = 0;
};
/// Scores tokens [first_scored, tokens.size()) of one window of token ids (perplexity protocols).
struct WindowRequest {
  std::vector<std::int32_t> tokens;
  std::size_t first_scored = 1;
};
struct GenerationRequest {
  std::string prompt;
  std::size_t max_tokens = 64;
  std::vector<std::string> stop;
  model::Sampling sampling{};
};
/// How far the distributions behind tokens [first_row, tokens.size()) are from the reference
/// model's (divergence.h).
struct DivergenceRequest {
  std::vector<std::int32_t> tokens;
  std::size_t first_row = 0;
};
/// A generation, and where the model looks while it reads its prompt and an answer to it. Prompts
/// are tokens, so that rows and spans have places; they are not cut.
struct EvidenceRequest {
  std::vector<std::int32_t> prompt;
  std::vector<std::size_t> rows;        ///< positions in the prompt, ascending; its last among them
  std::vector<model::TokenSpan> spans;  ///< likewise
  /// An answer that is read behind the prompt to be measured there, too; empty: none.
  std::vector<std::int32_t> forced{};
  std::size_t max_tokens = 64;
  std::vector<std::string> stop{};
};
using Request = std::variant<LoglikelihoodRequest,
                             RollingRequest,
                             WindowRequest,
                             GenerationRequest,
                             DivergenceRequest,
                             EvidenceRequest>;

struct LoglikelihoodResponse {
  double logprob = 0;  ///< not finite where there is no answer
  bool is_greedy = false;
  std::size_t n_tokens = 0;
  std::size_t n_cut_tokens = 0;
  bool has_double_bos = false;  ///< the context begins with two of them (never asked of a rolling
                                ///< text, where the protocol puts the second)
};
struct GenerationResponse {
  std::string text;
  std::size_t n_tokens = 0;
  bool hit_limit = false;
  std::size_t n_cut_tokens = 0;  ///< of the prompt, dropped from the left
  bool is_answered = true;       ///< false where the model gave no finite logits
  bool has_double_bos = false;   ///< the prompt begins with two of them
};
struct DivergenceResponse {
  double kl = 0;  ///< in nats, summed over the rows; not finite where there is no answer
  std::size_t n_rows = 0;
  std::size_t n_same_top = 0;  ///< rows with the reference's most probable token
};
struct EvidenceResponse {
  GenerationResponse generation;
  std::vector<std::int32_t> tokens;  ///< that were generated
  /// Of the rows asked for, then of the tokens generated but for the last, which is never read.
  std::shared_ptr<const model::AttentionMass> own;
  /// Of the forced tokens but for the last; nullptr for fewer than two.
  std::shared_ptr<const model::AttentionMass> forced;
};
/// Log-likelihood, rolling and window requests answer with a LoglikelihoodResponse.
using Response =
    std::variant<LoglikelihoodResponse, GenerationResponse, DivergenceResponse, EvidenceResponse>;

/// What was generated; nullptr where nothing was asked for.
inline const GenerationResponse* generation_of(const Response& response) noexcept {
  const auto* evidence = std::get_if<EvidenceResponse>(&response);
  return evidence != nullptr ? &evidence->generation : std::get_if<GenerationResponse>(&response);
}

}  // namespace nibble::eval
