/// Where a decoder looks: how much of the attention of chosen queries falls on chosen spans of
/// tokens, in every layer and by every query head, measured in the forward pass itself.
///
///   mass[layer, head, row, span] = sum over k in span of A[layer, head][rows[row], k]
///
/// A is the softmax over all visible keys, sinks and template tokens included: spans that cover
/// them tell their share; what no span covers is `outside`. A caller makes an AttentionMass for a
/// sequence and hands it to `forward` with each chunk of that sequence (language_model.h); each
/// pass fills the rows that lie in its chunks. Hidden states and logits are the same bits with and
/// without it.
///
/// Shapes     masses of one row [n_layers, n_heads, n_spans], contiguous; memory is theirs alone,
///            never keys times keys
/// Units      rows and spans are positions in the sequence, from 0; masses are probabilities
/// Precision  that of attention (ops/attention_mass.h), of the model's own queries and of keys as
///            the cache holds them
/// Threads    one pass at a time writes it
/// Errors     kInvalidArgument: rows or spans that do not ascend, no span
/// Source     our own; docs/decisions/0025-attention-mass.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "model/config.h"
#include "ops/attention_mass.h"

namespace nibble::model {

class LanguageModel;

/// Positions [begin, end) of tokens.
using TokenSpan = ops::TokenSpan;

inline constexpr std::size_t kNoRow = std::numeric_limits<std::size_t>::max();

/// What to measure.
struct AttentionProbe {
  std::vector<std::size_t> rows;  ///< positions of queries, ascending
  /// Ascending and disjoint; may be empty and may reach past the end of the sequence.
  std::vector<TokenSpan> spans;
  /// Every query from here on, too: tokens that are yet to be generated. Behind all of `rows`.
  std::size_t every_row_from = kNoRow;
};

class AttentionMass {
 public:
  /// Nothing is measured yet: all masses are NaN.
  AttentionMass(const ModelConfig& config, AttentionProbe probe);

  [[nodiscard]] std::size_t n_layers() const noexcept { return windows_.size(); }
  [[nodiscard]] std::size_t n_heads() const noexcept { return n_heads_; }
  [[nodiscard]] std::size_t n_rows() const noexcept { return rows_.size(); }
  [[nodiscard]] std::size_t n_spans() const noexcept { return spans_.size(); }
  /// Positions, ascending: those asked for, and behind them those from `every_row_from` on that
  /// passes have come to.
  [[nodiscard]] std::span<const std::size_t> rows() const noexcept { return rows_; }
  [[nodiscard]] std::span<const TokenSpan> spans() const noexcept { return spans_; }
  [[nodiscard]] std::optional<std::size_t> find_row(std::size_t position) const;
  [[nodiscard]] bool is_measured(std::size_t row) const { return measured_[row] != 0; }
  /// Whether every row is.
  [[nodiscard]] bool is_complete() const;

  /// `row` and `span` are indices into rows() and spans().
  [[nodiscard]] float at(std::size_t layer,
                         std::size_t head,
                         std::size_t row,
                         std::size_t span) const {
    return values_[row * row_size() + (layer * n_heads_ + head) * n_spans() + span];
  }
  /// [n_layers, n_heads, n_spans]
  [[nodiscard]] std::span<const float> of_row(std::size_t row) const {
    return std::span(values_).subspan(row * row_size(), row_size());
  }
  /// What no span covers: 1 - the sum over spans.
  [[nodiscard]] double outside(std::size_t layer, std::size_t head, std::size_t row) const;
  /// How many tokens of the span the row sees in that layer: those neither in its future nor before
  /// its window. A mass of 0 over no token says nothing about the span.
  [[nodiscard]] std::size_t n_reachable(std::size_t layer, std::size_t row, std::size_t span) const;

  /// For the pass that measures: the first position at or behind `position` that is asked for, or
  /// kNoRow.
  [[nodiscard]] std::size_t next_asked(std::size_t position) const;
  /// For the pass that measures: the row of a position that is asked for, made where it is new. Its
  /// values lie where they are until the next new row.
  std::size_t open_row(std::size_t position);
  [[nodiscard]] float* values(std::size_t row) { return values_.data() + row * row_size(); }
  [[nodiscard]] std::size_t row_size() const noexcept { return n_layers() * n_heads_ * n_spans(); }
  void set_measured(std::size_t row) { measured_[row] = 1; }

 private:
  std::size_t n_heads_;
  std::vector<std::size_t> windows_;  ///< of each layer; 0: none
  std::vector<std::size_t> rows_;
  std::vector<TokenSpan> spans_;
  std::size_t every_row_from_;
  std::vector<float> values_;
  std::vector<std::uint8_t> measured_;
};

/// Reads `tokens` as one new sequence and measures what is asked of them; at most `chunk_tokens` in
/// a pass. For texts that are given in whole: a prompt, or a prompt and its answer.
AttentionMass measure_attention(LanguageModel& model,
                                std::span<const std::int32_t> tokens,
                                AttentionProbe probe,
                                std::size_t chunk_tokens = 512);

}  // namespace nibble::model
