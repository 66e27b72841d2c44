/// The gated feed-forward block of one layer.
///
///   branch = W_down (activation(W_gate x) * (W_up x))
///
/// Where the runtime says so, what W_down takes is rotated first, and x and that are
/// rounded in place.
///
/// Shapes     x = stream.normed() [rows, hidden]; stream.branch() [rows, hidden]; inside [tile,
///            intermediate]
/// Precision  that of the ops
/// Threads    one call at a time
/// Source     Shazeer 2020, arXiv 2002.05202
#pragma once

#include <cstddef>
#include <optional>

#include "model/config.h"
#include "model/layers/stream.h"
#include "model/weights/weight_loader.h"
#include "ops/hadamard.h"
#include "ops/linear.h"

namespace nibble::model {

class MlpBlock {
 public:
  MlpBlock(const ModelConfig& config, const WeightLoader& weights, std::size_t layer);

  void run(Stream& stream) const;

  [[nodiscard]] std::size_t packed_bytes() const noexcept;

 private:
  ops::GateActivation activation_;
  ops::TokenRounding rounding_;
  std::optional<ops::Hadamard> rotation_;
  ops::Linear gate_, up_, down_;
};

}  // namespace nibble::model
