/// Perplexity over windows of one tokenized text.
///
/// Stride: windows of W tokens begin every S tokens; each scores what the one before did not reach.
/// The first scores W - 1 tokens (its first has no predictor), the others S, each with at least
/// W - S tokens of context.
///
///   perplexity             exp(sum of nll / scored tokens)
///   perplexity_hf_weights  exp(mean of window means, weighted by labels - 1): the published code
///
/// Disjoint: windows of W tokens side by side, W - 1 scored in each, the tail dropped.
///
///   perplexity             exp(plain mean of window means)
///
/// Requires   the text's first token is BOS where the tokenizer adds one; no other special token
/// Source     Transformers documentation, "Perplexity of fixed-length models"; evaluation code of
///            GPTQ and AWQ
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/task.h"

namespace nibble::eval {

struct TokenWindow {
  std::size_t begin;
  std::size_t end;
  std::size_t first_scored;  ///< position in the text
};
/// `length` is above `stride`: each token but the first is scored, by a window that has one before
/// it.
std::vector<TokenWindow> stride_windows(std::size_t n_tokens,
                                        std::size_t length,
                                        std::size_t stride);
std::vector<TokenWindow> disjoint_windows(std::size_t n_tokens, std::size_t length);

enum class WindowProtocol : std::uint8_t { kStride, kDisjoint };

class WindowTask final : public Task {
 public:
  /// Fills `info.metrics`.
  WindowTask(TaskInfo info,
             WindowProtocol protocol,
             std::vector<text::TokenId> tokens,
             std::vector<TokenWindow> windows);

  [[nodiscard]] const TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return windows_.size(); }
  [[nodiscard]] Sample sample(std::size_t index) const override;
  [[nodiscard]] SampleResult score(const Sample& sample,
                                   std::span<const Response> responses) const override;

 private:
  TaskInfo info_;
  WindowProtocol protocol_;
  std::vector<text::TokenId> tokens_;
  std::vector<TokenWindow> windows_;
};

}  // namespace nibble::eval
