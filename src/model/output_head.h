/// The output head alone: what turns final hidden states into logits.
///
/// It is part of every decoder, and can be loaded without one: the hidden states of a reference
/// model and its head give its distributions again, with nothing else of it in memory.
///
/// Shapes     hidden [n, hidden]; logits [n, vocab]
/// Threads    one call at a time; the work is split over the pool given at load
/// Errors     kShapeMismatch when hidden or logits do not fit; from `load_output_head` what
///            `load_model` reports
/// Source     our own
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/arithmetic.h"
#include "base/thread_pool.h"
#include "model/config.h"
#include "model/weights/weight_loader.h"
#include "ops/linear.h"
#include "ops/token_scores.h"
#include "tensor/matrix_view.h"

namespace nibble::model {

class OutputHead {
 public:
  OutputHead(const ModelConfig& config, const WeightLoader& weights);

  [[nodiscard]] std::size_t weight_bytes() const noexcept;
  [[nodiscard]] std::size_t vocab() const noexcept { return vocab_; }

  /// Logits, the soft limit applied.
  void apply(MatrixView<const float> hidden, MatrixView<float> logits) const;
  /// Log-probabilities of targets (by ascending row of `hidden`) under logits that are never kept:
  /// a slice of the vocabulary at a time.
  void score(MatrixView<const float> hidden,
             std::span<const ops::RowTarget> targets,
             std::span<ops::TokenScore> scores);

 private:
  std::size_t vocab_;
  float softcap_;
  ThreadPool& pool_;
  std::vector<ops::Linear> slices_;
  std::vector<float> slice_logits_;
};

/// The head of the model at `path`; `pool` must outlive it. Throws Error.
std::unique_ptr<OutputHead> load_output_head(const std::filesystem::path& path,
                                             Arithmetic arithmetic,
                                             ThreadPool& pool);

}  // namespace nibble::model
