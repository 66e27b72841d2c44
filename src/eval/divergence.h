/// How far a model's distributions of the next token are from a reference model's.
///
///   kl = sum over the vocabulary of p (log p - log q)     p of the reference, in nats
///
/// A reference is kept as final hidden states and an output head: the states of a window take
/// hidden x 4 bytes a token, its logits would take vocab x 4, and the rest of the model need not
/// be in memory while another is compared.
///
/// Shapes     states [n, hidden of the reference]; logits [n, vocab]
/// Precision  logits float32, everything behind them float64
/// Threads    one call at a time
/// Errors     kShapeMismatch for vocabularies of different sizes; those of the models
/// Source     Kullback-Leibler divergence as llama.cpp's perplexity tool prints it
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/language_model.h"

namespace nibble::eval {

struct Divergence {
  double kl = 0;               ///< summed over the rows; NaN where logits are not finite
  std::size_t n_rows = 0;      ///< rows compared
  std::size_t n_same_top = 0;  ///< rows whose most probable token is the same (the first of equals)
};

/// The divergence of one row; raises nothing.
Divergence row_divergence(std::span<const float> reference, std::span<const float> logits);

/// Final hidden states of rows [first_row, tokens.size()) of one window, row-major.
std::vector<float> final_states(model::LanguageModel& model,
                                std::span<const std::int32_t> tokens,
                                std::size_t first_row,
                                std::size_t batch_tokens);

/// The model that others are compared with.
class Reference {
 public:
  virtual ~Reference() = default;
  /// As final_states gives them for the reference model.
  virtual std::vector<float> states(std::span<const std::int32_t> tokens,
                                    std::size_t first_row) = 0;
  /// Logits of states.
  virtual void head(MatrixView<const float> states, MatrixView<float> logits) = 0;
  [[nodiscard]] virtual std::size_t vocab() const noexcept = 0;
};

/// A loaded model as the reference; it must outlive what is returned.
std::unique_ptr<Reference> model_reference(model::LanguageModel& model, std::size_t batch_tokens);

/// `model` against `reference` on rows [first_row, tokens.size()) of one window.
Divergence compare_window(model::LanguageModel& model,
                          Reference& reference,
                          std::span<const std::int32_t> tokens,
                          std::size_t first_row,
                          std::size_t batch_tokens);

}  // namespace nibble::eval
