/// Round to nearest: every weight takes the closest value that its group's grid offers; no data, no
/// optimisation.
///
/// Integer groups, Q = 2^bits - 1, all in float32 with divisions as written and ties to even:
///
///   minmax, symmetric    m = max|w| (or 1 when all are 0); scale = (m - lo) / Q with lo = -m if a
///                        weight is negative, else 0; zero = 2^(bits-1)
///   minmax, asymmetric   lo = min(0, min w), hi = max(0, max w); scale = (hi - lo) / Q;
///                        zero = round(-lo / scale)
///   raw, symmetric       scale = max(max|w|, 1e-5) / (2^(bits-1) - 1); zero = 2^(bits-1)
///   raw, asymmetric      scale = max(max w - min w, 1e-5) / Q;
///                        zero = clamp(-round(min w / scale), 0, Q)
///   mse                  raw's symmetric or minmax's asymmetric grid of the range times 1, 0.99 …
///                        0.21, the one with the least sum of |w - value|^2.4
///   all of these         code = clamp(round(w / scale) + zero, 0, Q)
///   real zero (HQQ)      inverse = min(Q / (max w - min w), 2e4), 1 for a range under 1e-4;
///                        scale = 1 / inverse; zero = -min w * inverse;
///                        code = clamp(round(w * inverse + zero), 0, Q)
///
/// Where parameters are stored in float16 they are rounded first and the codes chosen for the
/// rounded ones.
///
/// Codebooks: absmax by block of the flattened matrix, code = nearest entry to w * (1 / absmax) by
/// comparing with the midpoints (a tie goes to the lower value). Nested: absmax minus its mean, in
/// blocks of 256 by their own absmax, on the dynamic map.
///
/// Shapes     w [rows, cols]
/// Requires   w is finite
/// Threads    split by rows or blocks over `pool`; the result does not depend on its size
/// Source     minmax: GPTQ's and GPTQModel's `find_params`; raw: AutoAWQ's
///            `pseudo_quantize_tensor`; mse: GPTQ's and QuaRot's search of a clip; real zero:
///            HQQ's start; codebooks: bitsandbytes' CPU path
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/thread_pool.h"
#include "codec/int_group.h"
#include "codec/nf4.h"
#include "quant/solver.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

/// How the range of an integer group becomes its grid.
enum class RangeRule : std::uint8_t { kMinMax, kRaw, kMse };

/// The names of the rules as settings have them.
inline constexpr std::string_view kRangeRules[] = {"minmax", "raw", "mse"};
/// The setting "range" of a stage; "minmax" where it says nothing.
RangeRule read_range_rule(TomlTable& stage);

/// The grid of one group.
struct GroupGrid {
  float scale = 1.0F;
  float zero = 0.0F;
};

/// The grid for one group of weights, with parameters as they will be stored. Integer zeros only.
GroupGrid integer_grid(std::span<const float> w,
                       const codec::IntGroupFormat& format,
                       RangeRule rule) noexcept;

codec::IntGroupCodes nearest_int_group(MatrixView<const float> w,
                                       const codec::IntGroupFormat& format,
                                       RangeRule rule,
                                       ThreadPool& pool);

codec::CodebookCodes nearest_codebook(MatrixView<const float> w,
                                      const codec::CodebookFormat& format,
                                      ThreadPool& pool);

/// The method "nearest". Setting: range = "minmax" | "raw" | "mse", for integer zeros. Also writes
/// f32, f16 and bf16.
std::unique_ptr<Solver> make_nearest(TomlTable& stage);

}  // namespace nibble::quant
