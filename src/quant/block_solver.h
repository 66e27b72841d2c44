/// A method that chooses the codes of several weights of a decoder block together, by what the
/// block makes of its inputs.
///
/// Such a method is a Solver whose `block_solver` is not null; `solve` then serves weights outside
/// of the decoder blocks.
///
/// Shapes     inputs, targets [tokens, hidden], whole windows of `window` tokens
/// Requires   weights have codecs that the method accepts
/// Precision  float32
/// Threads    split over `pool`; the result does not depend on its size
/// Errors     kCancelled between steps
/// Source     our own
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "quant/calibrate/decoder_block.h"
#include "quant/solver.h"

namespace nibble::quant {

struct BlockWeight {
  std::string_view name;  ///< within the block: "mlp.up_proj.weight"
  std::shared_ptr<const codec::Codec> codec;
};

struct BlockSolveInput {
  const DecoderBlock& block;  ///< weights that are not solved for stay as they are
  std::size_t layer = 0;
  MatrixView<const float> inputs = {};
  MatrixView<const float> targets = {};  ///< what the block should make of them
  std::size_t window = 0;
  std::span<const BlockWeight> weights = {};
};

class BlockSolver {
 public:
  virtual ~BlockSolver() = default;

  /// One solution for each weight. `done` hears what part of the work, from 0 to 1, is done.
  [[nodiscard]] virtual std::vector<Solved> solve_block(const BlockSolveInput& input,
                                                        ThreadPool& pool,
                                                        FunctionRef<void(double)> done) const = 0;
};

}  // namespace nibble::quant
