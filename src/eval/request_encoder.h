/// Requests as token ids: what the model reads and which of its predictions are scored.
///
///   log-likelihood  (context ++ continuation) without the last token, cut from the left to the
///                   context length
///   rolling         windows of M tokens: [P t0 … t(M-2)] predicts t0 … t(M-1), then the M tokens
///                   before the last predicted one
///   window          the window without its last token
///
/// The boundary between context and continuation is by count: the continuation is encode(both)
/// behind the length of encode(context), read behind encode(context), even where the tokenizer
/// merges across the boundary.
///
/// Errors     text that the tokenizer refuses
///            kInvalidArgument for a continuation or a window longer than the context
///            kUnsupported where a prefix is needed and the tokenizer has neither BOS nor EOS
/// Source     lm-evaluation-harness 0.4.13: TemplateLM, HFLM, get_rolling_token_windows
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "eval/request.h"
#include "text/tokenizer.h"

namespace nibble::eval {

/// `targets[i]` is predicted by the row of `tokens[first_row + i]`.
struct ScoredInput {
  std::vector<text::TokenId> tokens;
  std::vector<text::TokenId> targets;
  std::size_t first_row = 0;
  std::size_t n_cut_tokens = 0;
  bool has_double_bos = false;  ///< before anything was cut
};

class RequestEncoder {
 public:
  /// `add_bos` puts BOS in front of every context, prompt and rolling text (never of a continuation
  /// without context).
  RequestEncoder(const text::Tokenizer& tokenizer, std::size_t max_context, bool add_bos);

  ScoredInput encode(const LoglikelihoodRequest& request);
  [[nodiscard]] std::vector<ScoredInput> encode(const RollingRequest& request) const;
  [[nodiscard]] ScoredInput encode(const WindowRequest& request) const;
  /// The prompt's tokens, not cut; the prefix token for an empty one.
  [[nodiscard]] std::vector<text::TokenId> encode(const GenerationRequest& request) const;

 private:
  [[nodiscard]] std::vector<text::TokenId> encode_text(std::string_view text) const;
  [[nodiscard]] text::TokenId prefix_token() const;
  [[nodiscard]] ScoredInput join(std::span<const text::TokenId> context,
                                 std::span<const text::TokenId> continuation) const;

  const text::Tokenizer& tokenizer_;
  std::size_t max_context_;
  bool add_bos_;
  std::string last_context_;  ///< choices of one question share it
  std::vector<text::TokenId> last_context_tokens_;
};

/// The text's ids with BOS in front where the tokenizer has one, `add_bos` asks for it, and the
/// text does not bring its own.
std::vector<text::TokenId> encode_with_bos(const text::Tokenizer& tokenizer,
                                           std::string_view text,
                                           bool add_bos);

/// Two BOS in front, as a template that brings its own gives them: scores behind them are not
/// those of the model as it was trained.
bool begins_with_double_bos(const text::Tokenizer& tokenizer, std::span<const text::TokenId> ids);

}  // namespace nibble::eval
