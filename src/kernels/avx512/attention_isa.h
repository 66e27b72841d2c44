/// The registers of AVX-512 as the kernels that are written once for all instruction sets name them
/// (coded_tile.h, mass_tile.h).
///
/// Everything is in an unnamed namespace: each file compiles its own copy.
///
/// Source     our own
#pragma once

#include "kernels/avx512/attention_tile.h"
#include "kernels/coded_rows.h"

namespace nibble::kernels::avx512 {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

struct Isa {
  static constexpr std::size_t kLanes = 16;
  static constexpr std::size_t kTile = kKeyTile;
  static constexpr int kRowBlock = avx512::kRowBlock;
  using Tile = avx512::Tile;

  static __m512 all(float x) noexcept { return _mm512_set1_ps(x); }
  static __m512 load(const float* x) noexcept { return _mm512_loadu_ps(x); }
  static void store(float* y, __m512 x) noexcept { _mm512_storeu_ps(y, x); }
  static __m512 multiply(__m512 a, __m512 b) noexcept { return _mm512_mul_ps(a, b); }
  static __m512 multiply_add(__m512 a, __m512 b, __m512 c) noexcept {
    return _mm512_fmadd_ps(a, b, c);
  }
  static __m512 multiply_subtract(__m512 a, __m512 b, __m512 c) noexcept {
    return _mm512_fmsub_ps(a, b, c);
  }
  static __m512 floats(__m512i codes) noexcept { return _mm512_cvtepi32_ps(codes); }

  /// Codes [index, index + 16), of which each 8 fill B bytes.
  template <std::size_t B>
  static __m512i codes(const std::uint8_t* bytes, std::size_t index) noexcept {
    const std::uint8_t* const at = bytes + index / 8 * B;
    if constexpr (B == 8) {
      return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    } else {
      constexpr int b = static_cast<int>(B);
      const __m512i shifts = _mm512_setr_epi32(0,
                                               b,
                                               2 * b,
                                               3 * b,
                                               4 * b,
                                               5 * b,
                                               6 * b,
                                               7 * b,
                                               0,
                                               b,
                                               2 * b,
                                               3 * b,
                                               4 * b,
                                               5 * b,
                                               6 * b,
                                               7 * b);
      const __m512i words =
          _mm512_mask_set1_epi32(_mm512_set1_epi32(load_item<std::int32_t>(at, 0)),
                                 0xFF00,
                                 load_item<std::int32_t>(at + B, 0));
      return _mm512_and_si512(_mm512_srlv_epi32(words, shifts), _mm512_set1_epi32((1 << b) - 1));
    }
  }

  /// Up to 16 levels in one register.
  struct Table {
    Table(const float* levels, std::size_t n) noexcept
        : values(_mm512_maskz_loadu_ps(first_lanes(n), levels)) {}
    [[nodiscard]] __m512 at(__m512i codes) const noexcept {
      return _mm512_permutexvar_ps(codes, values);
    }
    __m512 values;
  };

  static float half(std::uint16_t x) noexcept { return _cvtsh_ss(x); }
  static void halves(const std::uint8_t* from, std::size_t n, float* to) noexcept {
    for (std::size_t i = 0; i < n; i += 16) {
      const __mmask16 mask = first_lanes(n - i);
      _mm512_mask_storeu_ps(
          to + i, mask, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, from + 2 * i)));
    }
  }
};

}  // namespace
}  // namespace nibble::kernels::avx512
