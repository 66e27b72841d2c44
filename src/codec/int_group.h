/// Integers of 2 to 8 bits in groups along the inputs, each group with a scale and a zero point.
///
///   w[r, c] = scale[r, g] * (code[r, c] - zero[r, g]),   g = c / group
///
/// A name reads from left to right: int BITS, then the group, then where zero comes from, then how
/// parameters are stored.
///
///   name   = "int" bits ( "g" group [ "p" ] | "c" ) zero [ "h" ]
///   bits   = 2 … 8
///   group  = 8 … 65536, a multiple of 8;  "c" is one group a row (per channel)
///   "p"    = permuted: groups are runs of an order of the inputs that is stored
///   zero   = "s" symmetric, zero is 2^(bits-1) | "a" an integer code | "f" a real number (HQQ)
///   "h"    = scales (and real zeros) in float16 instead of float32
///
/// So "int4g64a" has an integer zero and float32 scales, "int8cs" is symmetric per channel,
/// "int3g64fh" is HQQ in 3 bits, "int4g128pah" GPTQ with act order. When the group does not divide
/// cols, the last group of each row is shorter; groups never cross rows.
///
/// Layout     part "codes"  u8 [rows, packed_bytes(cols, bits)], one bit stream a row
/// (codec/bit_stream.h)
///            part "scales" f32 or f16 [rows, n_groups]
///            part "zeros"  u8, or f32 / f16 [rows, n_groups]; absent when symmetric
///            part "order"  i32 [cols], only where permuted: the input at each place; the codes of
///            a row lie in the order of the places, and g = place / group
/// Precision  the product and the difference above in float32, in that order
/// Errors     `validate`: kCorruptData for missing, superfluous or mistyped parts, zeros that are
/// no code, values that are not
///            finite, an order that is no permutation; kShapeMismatch with both shapes
/// Source     our own; docs/formats/int-group.md has a worked block
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/codec.h"

namespace nibble::codec {

enum class ZeroKind : std::uint8_t { kMiddle, kInteger, kFloat };

struct IntGroupFormat {
  std::size_t bits = 4;
  std::size_t group = 64;  ///< 0: the whole row
  ZeroKind zero = ZeroKind::kInteger;
  DType parameters = DType::kF32;  ///< kF32 or kF16
  bool is_permuted = false;        ///< only with groups

  [[nodiscard]] std::size_t group_of(std::size_t cols) const noexcept {
    return group == 0 ? cols : group;
  }
  [[nodiscard]] std::size_t n_groups(std::size_t cols) const noexcept;
  [[nodiscard]] std::uint8_t max_code() const noexcept {
    return static_cast<std::uint8_t>((1U << bits) - 1U);
  }
  [[nodiscard]] std::uint8_t middle() const noexcept {
    return static_cast<std::uint8_t>(1U << (bits - 1));
  }
  bool operator==(const IntGroupFormat&) const = default;
};

std::string int_group_name(const IntGroupFormat& format);
/// nullopt when the name does not follow the grammar.
std::optional<IntGroupFormat> int_group_from_name(std::string_view name);
std::shared_ptr<const Codec> int_group_codec(const IntGroupFormat& format);
/// The format of a codec made here; nullptr for any other.
const IntGroupFormat* int_group_format(const Codec& codec) noexcept;

/// A matrix with one byte a code, inputs in their natural order, and float32 parameters; what
/// methods write and studies read.
struct IntGroupCodes {
  std::vector<std::uint8_t> codes;        ///< [rows, cols]
  std::vector<float> scales;              ///< [rows, n_groups]
  std::vector<float> zeros;               ///< [rows, n_groups], also when symmetric
  std::vector<std::uint32_t> order = {};  ///< input at each place where permuted, else empty
};

/// Scales and zeros must be representable in the format's parameter type (stored_parameter) or are
/// rounded to it.
EncodedMatrix pack_int_group(const IntGroupFormat& format,
                             std::size_t rows,
                             std::size_t cols,
                             const IntGroupCodes& codes);
IntGroupCodes unpack_int_group(const EncodedMatrix& matrix);

/// `value` as a parameter of this type comes back from storage; finite values stay finite.
float stored_parameter(float value, DType dtype) noexcept;

}  // namespace nibble::codec
