/// Tiles of packed weights (kernels/fragments.h) as operands of the matrix units.
///
/// Precision  `read_codes` is exact; `read_scaled` rounds level + offset and its product with the
///            scale to binary16
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
/// (bits & mask) | 0x64006400: two codes of 4 bits become 1024 + code, or 1024 + 16 code.
template <std::uint32_t kMask>
__device__ __forceinline__ __half2 biased(std::uint32_t bits) {
  std::uint32_t out;
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(out) : "r"(bits), "n"(kMask), "n"(0x64006400));
  return as_half2(out);
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
    const std::uint32_t* own = lut + threadIdx.x % kWarp;
    a[0] = own[(q & 0xFF) * kWarp];
    a[1] = own[(q >> 8 & 0xFF) * kWarp];
    a[2] = own[(q >> 16 & 0xFF) * kWarp];
    a[3] = own[(q >> 24) * kWarp];
  } else {
    const std::uint32_t upper = word_of(v[0], word), lower = word_of(v[1], word);
    a[0] = __byte_perm(upper, 0, 0x4140);
    a[1] = __byte_perm(lower, 0, 0x4140);
    a[2] = __byte_perm(upper, 0, 0x4342);
    a[3] = __byte_perm(lower, 0, 0x4342);
  }
}

/// The same as scale * (level + offset), binary16; `offsets` are minus the zero where all are one.
template <int kFormat>
__device__ __forceinline__ void read_scaled(const uint4* v,
                                            int word,
                                            const LaneScale& scale,
                                            const std::uint32_t* lut,
                                            std::uint32_t (&a)[4]) {
  const __half2 scales[2] = {__low2half2(scale.scales), __high2half2(scale.scales)};
  const __half2 offsets[2] = {__low2half2(scale.offsets), __high2half2(scale.offsets)};
  if constexpr (kFormat == kFormatLut4) {
    read_codes<kFormat>(v, word, lut, a);
  } else if constexpr (kFormat == kFormatCode4) {
    const std::uint32_t q = word_of(v[0], word);
    const __half2 bias = __float2half2_rn(-1024.0F), lower_bias = __float2half2_rn(-64.0F);
    const __half2 sixteenth = __float2half2_rn(0.0625F);
    a[0] = as_bits(__hadd2(biased<0x000F000F>(q), bias));
    a[1] = as_bits(__hfma2(biased<0x00F000F0>(q), sixteenth, lower_bias));
    a[2] = as_bits(__hadd2(biased<0x000F000F>(q >> 8), bias));
    a[3] = as_bits(__hfma2(biased<0x00F000F0>(q >> 8), sixteenth, lower_bias));
  } else {
    const std::uint32_t upper = word_of(v[0], word), lower = word_of(v[1], word);
    const __half2 bias = __float2half2_rn(-1024.0F);
    // Bytes 0 1 or 2 3 between bytes of 0x64: 1024 + code.
    a[0] = as_bits(__hadd2(as_half2(__byte_perm(upper, 0x64646464, 0x4140)), bias));
    a[1] = as_bits(__hadd2(as_half2(__byte_perm(lower, 0x64646464, 0x4140)), bias));
    a[2] = as_bits(__hadd2(as_half2(__byte_perm(upper, 0x64646464, 0x4342)), bias));
    a[3] = as_bits(__hadd2(as_half2(__byte_perm(lower, 0x64646464, 0x4342)), bias));
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    a[i] = as_bits(__hmul2(__hadd2(as_half2(a[i]), offsets[i % 2]), scales[i % 2]));
  }
}

/// Every byte of a codebook's pairs, a copy for each bank: [256][32].
__device__ __forceinline__ void fill_lut(const WeightView& w, std::uint32_t* lut) {
  for (int i = static_cast<int>(threadIdx.x); i < 256 * kWarp; i += static_cast<int>(blockDim.x)) {
    const int pair = i / kWarp;
    lut[i] = static_cast<std::uint32_t>(w.levels[pair & 15]) |
             static_cast<std::uint32_t>(w.levels[pair >> 4]) << 16;
  }
}

}  // namespace nibble::kernels::cuda
