/// How the loss of a model's predictions changes with what enters its last norm.
///
///   logits = softcap(norm(h) W^T),   loss = sum over tokens of -log softmax(logits)[next token]
///
/// Shapes     hidden [rows, hidden], whole windows of `window` tokens; ids [rows]; the last token
///            of a window has nothing to predict
/// Units      nats
/// Precision  products in float32, the loss in float64
/// Threads    split over `pool`; equal results for any number of threads
/// Errors     those of loading the last norm and the head
/// Source     our own
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

class HeadGradient {
 public:
  HeadGradient(const io::Checkpoint& checkpoint,
               const model::ModelConfig& config,
               ThreadPool& pool);

  /// The loss; `hidden` becomes its gradient.
  double backward(MatrixView<float> hidden, std::span<const std::int32_t> ids, std::size_t window);

 private:
  /// Of the tokens of one part, whose logits exist at once; targets are negative for none.
  double part_backward(MatrixView<float> hidden, std::span<const std::int32_t> targets);

  ThreadPool& pool_;
  float epsilon_, softcap_;
  std::size_t vocab_;
  std::vector<float> norm_, head_;  ///< head [vocab, hidden]
  std::vector<float> normed_, logits_;
};

}  // namespace nibble::quant
