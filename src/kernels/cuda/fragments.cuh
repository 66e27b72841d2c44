/// Tiles of packed weights (kernels/fragments.h) as operands of the matrix units.
///
/// Precision  `read_codes` is exact; `read_scaled` rounds scale * offset and the sum of that and
///            scale * code to binary16
/// Source     m16n8k16 fragments: PTX ISA; our own
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

inline constexpr int kFormatHalf = 0, kFormatCode4 = 1, kFormatLut4 = 2, kFormatCode8 = 3;
template <int kFormat>
inline constexpr int kVectors = kFormat == kFormatHalf    ? 4
                                : kFormat == kFormatCode8 ? 2
                                                          : 1;

/// The factors of a lane's two rows for one step of 16 columns.
struct LaneScale {
  __half2 scales;   ///< upper row, lower row
  __half2 offsets;  ///< alike
};

__device__ __forceinline__ __half2 as_half2(std::uint32_t bits) {
  return *reinterpret_cast<const __half2*>(&bits);
}
__device__ __forceinline__ std::uint32_t as_bits(__half2 x) {
  return *reinterpret_cast<const std::uint32_t*>(&x);
}
/// What the bits of a code are worth as a subnormal number: 2^-24, or 2^-20 in the lower row of
/// 4-bit codes.
inline constexpr float kUpperUnit = 0x1p24F;
template <int kFormat>
inline constexpr float kLowerUnit = kFormat == kFormatCode4 ? 0x1p20F : 0x1p24F;

__device__ __forceinline__ std::uint32_t word_of(const uint4& x, int i) {
  return i == 0 ? x.x : i == 1 ? x.y : i == 2 ? x.z : x.w;
}

/// The codes of one step of 16 columns (word `word` of a lane's vectors) as an operand: subnormal
/// numbers of codes, or what codebooks and dense weights hold.
template <int kFormat>
__device__ __forceinline__ void read_codes(const uint4* v,
                                           int word,
                                           const std::uint32_t* lut,
                                           std::uint32_t (&a)[4]) {
  if constexpr (kFormat == kFormatHalf) {
    const uint4& upper = v[word / 2];
    const uint4& lower = v[2 + word / 2];
    a[0] = word % 2 == 0 ? upper.x : upper.z;
    a[1] = word % 2 == 0 ? lower.x : lower.z;
    a[2] = word % 2 == 0 ? upper.y : upper.w;
    a[3] = word % 2 == 0 ? lower.y : lower.w;
  } else if constexpr (kFormat == kFormatCode4) {
    const std::uint32_t q = word_of(v[0], word);
    a[0] = q & 0x000F000F;
    a[1] = q & 0x00F000F0;
    a[2] = q >> 8 & 0x000F000F;
    a[3] = q >> 8 & 0x00F000F0;
  } else if constexpr (kFormat == kFormatLut4) {
    const std::uint32_t q = word_of(v[0], word);
    const std::uint32_t own =
        static_cast<std::uint32_t>(__cvta_generic_to_shared(lut + threadIdx.x % kWarp));
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      // One instruction each for the byte, the place and the pair.
      const std::uint32_t place = __byte_perm(q, 0, 0x4440 + i) * (kWarp * 4) + own;
      asm("ld.shared.b32 %0, [%1];" : "=r"(a[i]) : "r"(place));
    }
  } else {
    const std::uint32_t upper = word_of(v[0], word), lower = word_of(v[1], word);
    a[0] = __byte_perm(upper, 0, 0x4140);
    a[1] = __byte_perm(lower, 0, 0x4140);
    a[2] = __byte_perm(upper, 0, 0x4342);
    a[3] = __byte_perm(lower, 0, 0x4342);
  }
}

/// What `read_scaled` makes of a weight is worth so much: products of subnormal codes stay small.
template <int kFormat>
inline constexpr float kScaledUnit =
    kFormat == kFormatCode4 || kFormat == kFormatCode8 ? 512.0F : 1.0F;

/// The same as scale * (level + offset) / kScaledUnit, binary16; `offsets` are minus the zero where
/// all are one. A code of 2^-24 (or 2^-20) times its scale and 2^15 (2^11) is rounded once.
template <int kFormat>
__device__ __forceinline__ void read_scaled(const uint4* v,
                                            int word,
                                            const LaneScale& scale,
                                            const std::uint32_t* lut,
                                            std::uint32_t (&a)[4]) {
  read_codes<kFormat>(v, word, lut, a);
  const __half2 scales[2] = {__low2half2(scale.scales), __high2half2(scale.scales)};
  if constexpr (kFormat == kFormatLut4) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      a[i] = as_bits(__hmul2(as_half2(a[i]), scales[i % 2]));
    }
  } else {
    constexpr float kUpper = kUpperUnit / kScaledUnit<kFormat>,
                    kLower = kLowerUnit<kFormat> / kScaledUnit<kFormat>;
    const __half2 units[2] = {__hmul2(scales[0], __float2half2_rn(kUpper)),
                              __hmul2(scales[1], __float2half2_rn(kLower))};
    const __half2 small = __hmul2(__hmul2(scale.scales, scale.offsets),
                                  __float2half2_rn(1.0F / kScaledUnit<kFormat>));
    const __half2 shifts[2] = {__low2half2(small), __high2half2(small)};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      a[i] = as_bits(__hfma2(as_half2(a[i]), units[i % 2], shifts[i % 2]));
    }
  }
}

/// Where 8 columns of a token lie in a tile of 64: neighbours in tokens take turns, so that eight
/// lanes read 128 different bytes.
__device__ __forceinline__ int activation_place(int token, int quarter, int half) {
  return quarter * 32 + (half ^ (token & 1)) * 16;
}

/// Every byte of a codebook's pairs, a copy for each bank: [256][32].
__device__ __forceinline__ void fill_lut(const WeightView& w, std::uint32_t* lut) {
  for (int i = static_cast<int>(threadIdx.x); i < 256 * kWarp / 4;
       i += static_cast<int>(blockDim.x)) {
    const int pair = i / (kWarp / 4);
    const std::uint32_t both = static_cast<std::uint32_t>(w.levels[pair & 15]) |
                               static_cast<std::uint32_t>(w.levels[pair >> 4]) << 16;
    reinterpret_cast<uint4*>(lut)[i] = uint4{both, both, both, both};
  }
}

}  // namespace nibble::kernels::cuda
