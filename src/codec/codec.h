/// A codec says how the bits of a weight matrix are stored; it knows nothing of how the codes were
/// chosen.
///
/// An `EncodedMatrix` is a matrix as it is stored: a codec and the named parts that it reads
/// ("codes", "scales", "zeros", or the single part "blocks" of a GGUF type). Any codec runs at once
/// on the reference kernel through `decode_rows`; a codec whose values lie on a per-group grid also
/// says so through `grid`, and the fast kernels repack from there.
///
/// Shapes     rows = outputs, cols = inputs; groups run along cols
/// Errors     `validate` reports kCorruptData or kShapeMismatch; other calls trust a valid matrix
/// Source     our own; each codec's header is the specification of its bytes
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace nibble::codec {

class Codec;

struct Part {
  std::string name;
  Tensor tensor;
};

struct EncodedMatrix {
  std::shared_ptr<const Codec> codec;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<Part> parts;

  /// The part of that name; nullptr when absent.
  [[nodiscard]] const Tensor* part(std::string_view name) const noexcept;
  /// Bytes of all parts.
  [[nodiscard]] std::size_t n_bytes() const noexcept;
};

/// How the values of a matrix lie on a grid, for kernels that multiply codes instead of floats:
///
///   w[r, c] = scales[r, c / group] * level(code[r, c]) + offsets[r, c / group]
///
/// `level` is the code itself, or codebook[code] when there is a codebook. Equal to `decode_rows`
/// up to float rounding.
struct Grid {
  std::size_t bits = 0;   ///< codes are 0 … 2^bits - 1, bits <= 8
  std::size_t group = 0;  ///< divides cols, except that the last group of a row may be shorter
  bool has_offsets = false;
  std::optional<std::array<float, 16>> codebook;  ///< only with bits == 4
  /// Groups whose scales and offsets are small integers times two numbers
  /// (`unpack_integer_scales`); a power of two, or 0 where they are not.
  std::size_t groups_per_super = 0;
  /// Where groups are runs of another order of the columns: the column at each place, a permutation
  /// that lies in the matrix. `unpack_row` gives codes by place, and c above is a place. Empty: as
  /// they are.
  std::span<const std::int32_t> order = {};
};

/// The scales and offsets of one row in two levels, of n groups in m supers:
///
///   scales[g] = super_scales[g / groups_per_super] * integer_scales[g];  offsets likewise, or
///   empty
struct IntegerScales {
  std::span<float> super_scales;   ///< [m], values of binary16
  std::span<float> super_offsets;  ///< [m] or empty
  std::span<std::int8_t> scales;   ///< [n]
  std::span<std::int8_t> offsets;  ///< [n] or empty
};

class Codec {
 public:
  virtual ~Codec() = default;

  /// Stable name with its parameters, as written in files and reports: "q4_k", "int4g64a",
  /// "nf4b64".
  [[nodiscard]] virtual std::string name() const = 0;
  /// Stored bits per weight for a matrix of this shape, scales and zeros included.
  [[nodiscard]] virtual double bits_per_weight(std::size_t rows, std::size_t cols) const = 0;
  /// Rows hold a multiple of so many weights.
  [[nodiscard]] virtual std::size_t cols_unit() const { return 1; }
  /// Checks part names, dtypes, shapes and sizes against rows and cols.
  [[nodiscard]] virtual Result<void> validate(const EncodedMatrix& matrix) const = 0;
  /// Exact float32 values of rows [first, first + n) into `out` [n, cols], contiguous. Reentrant.
  virtual void decode_rows(const EncodedMatrix& matrix,
                           std::size_t first,
                           std::size_t n,
                           float* out) const = 0;

  /// The grid of this matrix; nullopt when its values do not lie on one along rows.
  [[nodiscard]] virtual std::optional<Grid> grid(const EncodedMatrix& /*matrix*/) const {
    return std::nullopt;
  }
  /// One row on its grid: codes [cols], scales and offsets [ceil(cols / group)]. Only when `grid`
  /// has a value.
  virtual void unpack_row(const EncodedMatrix& matrix,
                          std::size_t row,
                          std::span<std::uint8_t> codes,
                          std::span<float> scales,
                          std::span<float> offsets) const;
  /// The scales of one row before they are multiplied out. Only when the grid has
  /// `groups_per_super`.
  virtual void unpack_integer_scales(const EncodedMatrix& matrix,
                                     std::size_t row,
                                     const IntegerScales& out) const;
};

/// All of `matrix` in float32, [rows, cols].
std::vector<float> decode_all(const EncodedMatrix& matrix);

}  // namespace nibble::codec
