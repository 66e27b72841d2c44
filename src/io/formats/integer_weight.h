/// What the integer formats of other tools have in common: codes, scales and whole zeros, taken out
/// of nibble's codecs and put back.
///
///   w[r, c] = scale[r, g] * (code[r, c] - zero[r, g]),   g = c / group, or g_idx[c]
///
/// Errors     throws Error: kUnsupported for values that do not lie on such a grid, kCorruptData
///            for scales that are not finite; messages begin with the module's name
/// Source     our own; docs/formats/packed.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/checked_math.h"
#include "codec/codec.h"
#include "codec/int_group.h"

namespace nibble::io {

/// Groups of one row; a group of 0 is the whole row.
[[nodiscard]] constexpr std::size_t n_groups_of(std::size_t cols, std::size_t group) noexcept {
  return group == 0 ? 1 : ceil_div(cols, group);
}

struct IntegerWeight {
  std::size_t rows = 0, cols = 0;
  std::size_t bits = 0;
  std::size_t group = 0;  ///< 0: the whole row
  codec::IntGroupCodes codes;

  [[nodiscard]] std::size_t n_groups() const noexcept { return n_groups_of(cols, group); }
  [[nodiscard]] unsigned max_code() const noexcept { return (1U << bits) - 1U; }
  [[nodiscard]] float middle() const noexcept { return static_cast<float>(1U << (bits - 1)); }
  /// Every zero is the middle code.
  [[nodiscard]] bool is_symmetric() const noexcept;
};

/// Codes and scales to be filled in. The sizes must have been compared with the tensors'.
IntegerWeight make_integer_weight(std::size_t rows,
                                  std::size_t cols,
                                  std::size_t bits,
                                  std::size_t group);

/// Any matrix whose grid has whole zeros: integer groups, and block types such as Q4_0 and Q8_0.
IntegerWeight integer_weight(std::string_view module, const codec::EncodedMatrix& matrix);

/// As integer groups: symmetric where all zeros are the middle code, `parameters` (kF16 or kF32) as
/// the type of scales, in which they must be exact.
codec::EncodedMatrix integer_groups(std::string_view module,
                                    const IntegerWeight& weight,
                                    DType parameters);

/// The group of each input, [cols].
Tensor group_index(const IntegerWeight& weight);
/// The inverse; inputs of one group keep their natural order, and c / group is no order at all.
/// `where` names the tensor. kCorruptData unless every group has `group` inputs, but for a shorter
/// last one.
void set_group_index(std::string_view where,
                     std::span<const std::int32_t> groups,
                     IntegerWeight& weight);

/// kUnsupported, with the format's name, for groups that are no runs of neighbours.
void require_natural_order(std::string_view module,
                           const IntegerWeight& weight,
                           std::string_view format);
/// kUnsupported unless every scale is a float16.
void require_half_scales(std::string_view module, const IntegerWeight& weight);

/// The one width and group that a folder's settings can state.
class CommonGrid {
 public:
  /// kUnsupported for a weight that differs from the first.
  void add(std::string_view module, const IntegerWeight& weight);

  [[nodiscard]] std::size_t bits() const noexcept { return bits_; }
  /// -1 for the whole row, as other tools write it.
  [[nodiscard]] std::int64_t group_setting() const noexcept {
    return group_ == 0 ? -1 : static_cast<std::int64_t>(group_);
  }
  [[nodiscard]] bool is_symmetric() const noexcept { return is_symmetric_; }
  /// Some weight has groups in another order of the inputs.
  [[nodiscard]] bool is_permuted() const noexcept { return is_permuted_; }

 private:
  std::string first_;
  std::size_t bits_ = 4;
  std::size_t group_ = 0;
  bool is_symmetric_ = true;
  bool is_permuted_ = false;
};

/// group_size as settings have it: 0 for -1; kCorruptData for other numbers below 1.
std::size_t group_from_setting(std::int64_t group_size);

/// The scales of one tensor [n_groups, rows] (or [rows, n_groups] where `by_row`), in F16, BF16 or
/// F32, into the weight. Returns the type that holds them exactly.
DType read_scales(const Tensor& scales, bool by_row, IntegerWeight& weight);
/// The inverse, as float16.
Tensor half_scales(const IntegerWeight& weight, bool by_row);

}  // namespace nibble::io
