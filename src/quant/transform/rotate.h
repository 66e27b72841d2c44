/// QuaRot's rotations: the model computes the same with weights and activations that have no
/// outlying channels.
///
/// With Q = diag(signs) H, H an orthogonal Hadamard matrix (kernels/hadamard.h), and norms folded
/// into the layers behind them (W := W diag(norm), norm := 1):
///
///   residual  embedding Q;  q, k, v, gate, up, head: W Q;  o, down: Q^T W
///   values    v: rows of each key/value head times H;  o: columns of each head times H
///   heads     H on each head of queries and keys behind RoPE, while the model runs
///   attended  o: W times H across heads, and that on its inputs while the model runs
///   gated     down: W H, and H on its inputs while the model runs
///
/// `values` and `attended` are the two parts of one transform over all columns that o reads. It is
/// cut between heads where their number has a Hadamard matrix (32 heads, 28), else within them:
/// 9 heads of 64 columns are 36 runs of 16, so that v gets blocks of 16.
///
/// Tied embeddings become two matrices, for the head takes the last norm and the embedding does
/// not. A size without an exact Hadamard matrix gets blocks of the largest power of two that
/// divides it.
///
/// Precision  float64, rounded to float32 once
/// Threads    each weight is split over `pool`; the result does not depend on its size
/// Errors     kUnsupported for norms behind the branches (Gemma 3), which do not commute with a
///            rotation
/// Source     Ashkboos et al. 2024, arXiv 2404.00456; without `attended`, `values` is that of Liu
///            et al. 2024, arXiv 2405.16406
#pragma once

#include <cstdint>
#include <memory>

#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "quant/transform.h"

namespace nibble::quant {

struct RotateSettings {
  bool residual = true;
  bool values = true;
  bool heads = true;
  bool attended = true;
  bool gated = true;
  std::uint64_t seed = 0;  ///< of the signs
};

/// +1 or -1, the same for a seed everywhere.
std::vector<float> random_signs(std::size_t n, std::uint64_t seed);

/// `source` with rotated weights, as a Hugging Face folder would hold them; each is computed when
/// it is asked for. Without a pool, for plans: all of them zero. Borrows `source` and `pool`.
std::unique_ptr<io::Checkpoint> rotated(const io::Checkpoint& source,
                                        const model::ModelConfig& config,
                                        const RotateSettings& settings,
                                        ThreadPool* pool);

/// The transform "rotate". Settings: residual, values, heads, attended, gated (all true), seed
/// (0).
std::unique_ptr<Transform> make_rotate(TomlTable& stage);

}  // namespace nibble::quant
