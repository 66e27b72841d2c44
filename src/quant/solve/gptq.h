/// GPTQ: inputs are quantized one after the other, and the error of each is made up for by the
/// inputs that are still free.
///
///   dead = inputs with H[k, k] = 0: H[k, k] = 1, their weights 0
///   order the inputs (input_order.h); H += damping * mean(diag H) * I
///   inverse(H) = U^T U, U upper triangular
///   for each input i in order:
///     at the start of a group: its grid from the range of the weights as they are now
///     e = (w[i] - value(code[i])) / U[i, i];   w[j] -= e * U[i, j] for j > i
///
/// in blocks of 128 inputs: within a block at once, behind it by one matrix product when the block
/// ends. So a group that starts inside a block takes its range from weights that lack the updates
/// of that block, as in the reference.
///
/// With `asymmetry`, w[j] also takes over what the layers before have lost of input i (gptaq.h):
/// within a block by the weight as it was, behind it by its quantized value, as in the reference.
///
/// With static groups the grids of all groups come first, from the weights as they were, and groups
/// are neighbours in the natural order. `activation` without them makes groups of neighbours in its
/// own order, which a permuted codec stores ("int4g128pah").
///
/// H that is not positive definite after damping: the damping grows by factors of ten up to one;
/// then H is replaced by its diagonal, which is rounding to nearest. Both are counted.
///
/// Shapes     w [rows, cols]; h [cols, cols], both triangles, any positive factor; cross [cols,
///            cols], the same factor, only with `asymmetry`
/// Requires   w and h finite; an integer or middle zero
/// Precision  U in float64, rounded to float32; weights and errors float32
/// Threads    split by rows over `pool`; the result does not depend on its size
/// Source     Frantar et al. 2023, arXiv 2210.17323; the details are GPTQModel 7.7's
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "codec/int_group.h"
#include "quant/solve/input_order.h"
#include "quant/solve/nearest.h"
#include "quant/solver.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

struct GptqSettings {
  InputOrder order = InputOrder::kActivation;
  bool static_groups = true;
  double damping = 0.01;
  RangeRule range = RangeRule::kMinMax;  ///< of the grids (solve/nearest.h)
  double asymmetry = 0;                  ///< alpha of GPTAQ; 0: GPTQ

  /// Groups are neighbours in the order of the inputs.
  [[nodiscard]] bool has_groups_by_place() const noexcept {
    return order == InputOrder::kActivation && !static_groups;
  }
};

struct GptqResult {
  codec::IntGroupCodes codes;
  std::vector<std::uint32_t> order;  ///< input at each place
  std::size_t n_dead = 0;
  double damping = 0;        ///< as it was used
  bool is_diagonal = false;  ///< no damping made H positive definite
};

GptqResult gptq(MatrixView<const float> w,
                MatrixView<const double> h,
                const codec::IntGroupFormat& format,
                const GptqSettings& settings,
                ThreadPool& pool,
                MatrixView<const double> cross = {});

/// The method "gptq". Settings: order = "activation" | "natural" | "grouped", static_groups,
/// damping, asymmetry as above, range = "minmax" | "raw" | "mse".
std::unique_ptr<Solver> make_gptq(TomlTable& stage);

}  // namespace nibble::quant
