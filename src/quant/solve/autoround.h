/// AutoRound: the rounding of all linear layers of a decoder block is tuned by the signs of
/// gradients, so that the quantized block gives what the original one gave.
///
///   for i in 0 … iterations - 1:
///     loss = mean((block_quantized(inputs) - targets)^2) over `batch` windows
///     lowest loss so far: keep the offsets and factors of now
///     offsets and factors -= rate (1 - i / iterations) sign(gradient)      (rounding_tuner.h)
///   the codes are those of what was kept
///
/// Losses of different batches are compared there, as the reference does: where few tokens carry
/// most of the energy, the batch decides. `keep = "last"` takes the state after the last step
/// instead.
///
/// autoround_loop.h draws the windows. The inputs come from the quantized blocks before this one or
/// from the original ones, as [calibration] says; targets are always the outputs of the original
/// block for original inputs.
///
/// With no iterations, and for weights outside of decoder blocks, codes are the nearest ones on the
/// method's grid.
///
/// Precision  float32; sums of losses in float64
/// Threads    split over `pool`; the result does not depend on its size
/// Errors     kUnsupported for a weight of a block that is no linear layer, and where the loss is
///            not finite
/// Source     Cheng et al. 2024, arXiv 2309.05516; sampling, rates and bookkeeping as auto-round
///            0.16
#pragma once

#include <memory>
#include <vector>

#include "base/toml.h"
#include "codec/int_group.h"
#include "quant/block_solver.h"
#include "quant/solve/autoround_loop.h"
#include "quant/solver.h"

namespace nibble::quant {

/// What became of a block.
struct AutoroundResult : AutoroundTrace {
  std::vector<codec::IntGroupCodes> codes;  ///< in the order of the weights
};

AutoroundResult autoround(const BlockSolveInput& input,
                          const AutoroundSettings& settings,
                          ThreadPool& pool,
                          FunctionRef<void(double)> done);

/// The method "autoround". Settings: iterations, batch, rate, keep = "best" | "last", tune_range,
/// seed.
std::unique_ptr<Solver> make_autoround(TomlTable& stage);

}  // namespace nibble::quant
