/// The steps of AutoRound, whatever a block and its gradients are made of: which windows a step
/// sees, how far it goes and which state is kept. solve/autoround.h says what the method is.
///
/// Windows are drawn in an order that is shuffled anew when less than a batch is left of it.
///
/// Errors     kUnsupported where a loss is not finite; kCancelled between steps
/// Source     Cheng et al. 2024, arXiv 2309.05516; sampling, rates and bookkeeping as auto-round
///            0.16
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/function_ref.h"
#include "quant/solve/rounding_tuner.h"

namespace nibble::quant {

struct AutoroundSettings {
  std::size_t iterations = 200;
  std::size_t batch = 8;    ///< windows
  double rate = 0;          ///< of the first step; 0: 1 / iterations
  bool keeps_best = true;   ///< the state of the lowest loss; else the last state
  bool tunes_range = true;  ///< the factors too, not only the offsets
  std::uint64_t seed = 42;
};

/// A block whose weights are tuned.
class TunedBlock {
 public:
  virtual ~TunedBlock() = default;
  /// The mean square error over some windows; its gradients lie ready for `step`.
  virtual double loss(std::span<const std::size_t> windows) = 0;
  virtual void step(const StepSizes& sizes, Keep keep) = 0;
  /// The state of now is the best so far.
  virtual void keep() = 0;
};

struct AutoroundTrace {
  double first_loss = 0;  ///< of rounding to nearest, on the first batch
  double best_loss = 0;   ///< on another batch, as a rule
  std::size_t best_iteration = 0;
};

/// All steps of the block of a layer; `done` hears what part of them, from 0 to 1, is done.
AutoroundTrace autoround_steps(TunedBlock& block,
                               std::size_t n_windows,
                               std::size_t layer,
                               const AutoroundSettings& settings,
                               FunctionRef<void(double)> done);

}  // namespace nibble::quant
