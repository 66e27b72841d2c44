/// Codecs whose matrix is rows of equal blocks in one part, as the GGUF types store them.
///
///   part "blocks"  U8 [rows, cols / block.weights * block.bytes], borrowed from the file
///
/// A format is a struct that says how one block unpacks into codes, scales and offsets; values
/// follow from the kind of its levels, so that `decode_rows` and `unpack_row` cannot disagree:
///
///   kCentred   w = scale * (code - zero)
///   kAffine    w = scale * code + offset
///   kCodebook  w = scale * codebook[code]
///
/// Requires   cols is a multiple of block.weights
/// Precision  bit-equal to ggml's dequantize_row_*: one rounding a value (the products with offsets
///            are exact)
/// Source     docs/formats/gguf-blocks.md
#pragma once

#include <algorithm>
#include <array>

#include "codec/codec.h"
#include "tensor/half.h"

namespace nibble::codec {

struct BlockSize {
  std::size_t weights = 0;
  std::size_t bytes = 0;
};

class BlockCodec : public Codec {
 public:
  BlockCodec(std::string_view name, BlockSize block) : name_(name), block_(block) {}

  [[nodiscard]] BlockSize block() const noexcept { return block_; }
  /// Bytes of one row. Requires cols % block().weights == 0.
  [[nodiscard]] std::size_t row_bytes(std::size_t cols) const noexcept {
    return cols / block_.weights * block_.bytes;
  }

  std::string name() const override { return std::string(name_); }
  double bits_per_weight(std::size_t rows, std::size_t cols) const override;
  std::size_t cols_unit() const override { return block_.weights; }
  Result<void> validate(const EncodedMatrix& matrix) const override;

 private:
  std::string_view name_;
  BlockSize block_;
};

/// Wraps the blocks of a matrix that `codec` stores; `validate` says whether they fit.
EncodedMatrix block_matrix(std::shared_ptr<const BlockCodec> codec,
                           std::size_t rows,
                           std::size_t cols,
                           Tensor blocks);

enum class Levels : std::uint8_t { kCentred, kAffine, kCodebook };

/// What every format has in common; a format derives from it and adds `unpack` (and `kCodebook`).
template <std::size_t kWeights_, std::size_t kBytes_, std::size_t kGroup_, std::size_t kBits_>
struct BlockFormat {
  static constexpr BlockSize kBlock{kWeights_, kBytes_};
  static constexpr std::size_t kGroup = kGroup_;
  static constexpr std::size_t kBits = kBits_;
  static constexpr std::size_t kGroups = kWeights_ / kGroup_;

  /// One block on its grid; `offsets` is written by kAffine formats only.
  struct Unpacked {
    std::array<std::uint8_t, kWeights_> codes;
    std::array<float, kGroups> scales;
    std::array<float, kGroups> offsets;
  };
};

/// The scales of a super-block: those of group g are d * scales[g] and -dmin * mins[g].
template <std::size_t kGroups>
struct SuperBlock {
  float d = 0.0F;
  float dmin = 0.0F;
  std::array<std::int8_t, kGroups> scales{};
  std::array<std::int8_t, kGroups> mins{};
};

/// A format whose scales are integers has `static void unpack_scales(const std::uint8_t*,
/// SuperBlock&)`, too.
template <class Format>
concept HasIntegerScales = requires(const std::uint8_t* block, SuperBlock<Format::kGroups>& out) {
  Format::unpack_scales(block, out);
};

/// The codec of one format:
///   name, levels, zero (kCentred), codebook (kCodebook) and `static void unpack(const
///   std::uint8_t*, Unpacked&)`.
template <class Format>
class GridBlockCodec final : public BlockCodec {
 public:
  using Unpacked = typename Format::Unpacked;

  GridBlockCodec() : BlockCodec(Format::kName, Format::kBlock) {}

  void decode_rows(const EncodedMatrix& matrix,
                   std::size_t first,
                   std::size_t n,
                   float* out) const override {
    const std::uint8_t* block = row(matrix, first);
    const std::size_t n_blocks = n * (matrix.cols / Format::kBlock.weights);
    Unpacked unpacked{};
    for (std::size_t b = 0; b < n_blocks; ++b) {
      Format::unpack(block, unpacked);
      for (std::size_t i = 0; i < Format::kBlock.weights; ++i) {
        const std::size_t g = i / Format::kGroup;
        out[i] = value(unpacked.codes[i], unpacked.scales[g], unpacked.offsets[g]);
      }
      block += Format::kBlock.bytes;
      out += Format::kBlock.weights;
    }
  }

  std::optional<Grid> grid(const EncodedMatrix& /*matrix*/) const override {
    Grid grid;
    grid.bits = Format::kBits;
    grid.group = Format::kGroup;
    grid.has_offsets = Format::kLevels != Levels::kCodebook;
    if constexpr (Format::kLevels == Levels::kCodebook) {
      grid.codebook = Format::kCodebook;
    }
    if constexpr (HasIntegerScales<Format>) {
      grid.groups_per_super = Format::kGroups;
    }
    return grid;
  }

  void unpack_row(const EncodedMatrix& matrix,
                  std::size_t r,
                  std::span<std::uint8_t> codes,
                  std::span<float> scales,
                  std::span<float> offsets) const override {
    const std::uint8_t* block = row(matrix, r);
    Unpacked unpacked{};
    for (std::size_t b = 0; b < matrix.cols / Format::kBlock.weights; ++b) {
      Format::unpack(block + b * Format::kBlock.bytes, unpacked);
      std::ranges::copy(unpacked.codes, codes.subspan(b * Format::kBlock.weights).begin());
      for (std::size_t g = 0; g < Format::kGroups; ++g) {
        scales[b * Format::kGroups + g] = unpacked.scales[g];
        if (!offsets.empty()) {
          offsets[b * Format::kGroups + g] = offset(unpacked.scales[g], unpacked.offsets[g]);
        }
      }
    }
  }

  void unpack_integer_scales(const EncodedMatrix& matrix,
                             std::size_t r,
                             const IntegerScales& out) const override {
    if constexpr (HasIntegerScales<Format>) {
      const std::uint8_t* block = row(matrix, r);
      SuperBlock<Format::kGroups> super;
      for (std::size_t b = 0; b < matrix.cols / Format::kBlock.weights; ++b) {
        Format::unpack_scales(block + b * Format::kBlock.bytes, super);
        out.super_scales[b] = super.d;
        std::ranges::copy(super.scales, out.scales.subspan(b * Format::kGroups).begin());
        if (!out.offsets.empty()) {
          out.super_offsets[b] = -super.dmin;
          std::ranges::copy(super.mins, out.offsets.subspan(b * Format::kGroups).begin());
        }
      }
    } else {
      Codec::unpack_integer_scales(matrix, r, out);
    }
  }

 private:
  static const std::uint8_t* row(const EncodedMatrix& matrix, std::size_t r) {
    const Tensor& blocks = matrix.parts.front().tensor;
    const std::size_t stride = matrix.cols / Format::kBlock.weights * Format::kBlock.bytes;
    return blocks.as<std::uint8_t>().data() + r * stride;
  }

  static float value(std::uint8_t code, float scale, float offset) noexcept {
    if constexpr (Format::kLevels == Levels::kCentred) {
      return scale * static_cast<float>(code - Format::kZero);
    } else if constexpr (Format::kLevels == Levels::kAffine) {
      return scale * static_cast<float>(code) + offset;
    } else {
      return scale * Format::kCodebook[code];
    }
  }

  static float offset(float scale, float offset) noexcept {
    if constexpr (Format::kLevels == Levels::kCentred) {
      return scale * static_cast<float>(-Format::kZero);
    } else if constexpr (Format::kLevels == Levels::kAffine) {
      return offset;
    } else {
      return 0.0F;
    }
  }
};

/// A field of a block.
[[nodiscard]] inline float read_f16(const std::uint8_t* bytes) noexcept {
  return f16_to_f32(static_cast<std::uint16_t>(bytes[0] | (bytes[1] << 8)));
}

inline void write_f16(float value, std::uint8_t* bytes) noexcept {
  const std::uint16_t bits = f32_to_f16(value);
  bytes[0] = static_cast<std::uint8_t>(bits & 0xFFU);
  bytes[1] = static_cast<std::uint8_t>(bits >> 8);
}

}  // namespace nibble::codec
