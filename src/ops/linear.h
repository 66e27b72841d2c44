/// A linear layer, ready to run: weights repacked once for the kernel that the arithmetic and the
/// machine choose.
///
///   y[t, r] = bias[r] + sum over c of W[r, c] * x[t, c]
///
/// Shapes     W [rows, cols];  x [tokens, cols];  y [tokens, rows]
/// Layout     x, y row-major with any stride
/// Precision  f32: float32 products, |y - exact| <= 4e-7 * cols * max|W| * max|x|; native:
///            docs/kernels.md
/// Threads    splits rows over the pool; reentrant for distinct y
/// Errors     kShapeMismatch when x or y do not fit; kOutOfMemory from `make`; kCorruptData from
///            `read`
/// Source     our own
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/arithmetic.h"
#include "base/byte_stream.h"
#include "base/thread_pool.h"
#include "codec/codec.h"
#include "ops/elementwise.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

struct GatedPair;

class Linear {
 public:
  /// Of what `write` writes.
  static const int kStoredRevision;

  /// Repacks `weight`. The stored bytes of `weight` are not needed afterwards. `bias` is empty or
  /// [rows].
  static Linear make(const codec::EncodedMatrix& weight,
                     std::vector<float> bias,
                     Arithmetic arithmetic,
                     ThreadPool& pool);
  /// What `write` wrote of a layer of these shapes, as `make` would make it from the same weight.
  static Linear read(ByteSource& from, std::size_t rows, std::size_t cols, std::vector<float> bias);
  /// The packed weights, without the bias.
  void write(ByteSink& to) const;
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;
  ~Linear();

  [[nodiscard]] std::size_t rows() const noexcept;
  [[nodiscard]] std::size_t cols() const noexcept;
  /// Bytes that the packed weights hold in memory.
  [[nodiscard]] std::size_t packed_bytes() const noexcept;
  /// The kernel chosen, e.g. "int4_i8_avx512vnni".
  [[nodiscard]] std::string kernel() const;

  void apply(MatrixView<const float> x, MatrixView<float> y, ThreadPool& pool) const;
  /// Decodes rows back to float32 (embedding lookup from tied weights): out [ids.size(), cols].
  void gather_rows(std::span<const std::int32_t> ids, MatrixView<float> out) const;

 private:
  struct Impl;
  explicit Linear(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  friend void apply_all(std::span<const Linear* const>,
                        MatrixView<const float>,
                        std::span<const MatrixView<float>>,
                        ThreadPool&);
  friend void apply_gated(const GatedPair&,
                          MatrixView<const float>,
                          MatrixView<float>,
                          ThreadPool&);
};

/// Several layers on the same x (q, k, v), each in its own format: activations are converted once
/// for all that want them alike, and all rows are one list of tasks.
void apply_all(std::span<const Linear* const> layers,
               MatrixView<const float> x,
               std::span<const MatrixView<float>> ys,
               ThreadPool& pool);

/// The first half of a gated MLP; both have [rows, cols].
struct GatedPair {
  const Linear& gate;
  const Linear& up;
  GateActivation activation;
};

/// y = activation(gate x) * (up x). From two tiles of tokens on they are gated a tile at a time:
/// what `up` gives never reaches memory. The same bits as `apply_all` and `gate_in_place`.
void apply_gated(const GatedPair& pair,
                 MatrixView<const float> x,
                 MatrixView<float> y,
                 ThreadPool& pool);

}  // namespace nibble::ops
