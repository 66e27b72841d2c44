/// The registers of AVX2 as the kernels that are written once for all instruction sets name them
/// (coded_tile.h, mass_tile.h).
///
/// Everything is in an unnamed namespace: each file compiles its own copy.
///
/// Source     our own
#pragma once

#include "kernels/avx2/attention_tile.h"
#include "kernels/coded_rows.h"

namespace nibble::kernels::avx2 {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

struct Isa {
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kTile = kKeyTile;
  static constexpr int kRowBlock = avx2::kRowBlock;
  using Tile = avx2::Tile;

  static __m256 all(float x) noexcept { return _mm256_set1_ps(x); }
  static __m256 load(const float* x) noexcept { return _mm256_loadu_ps(x); }
  static void store(float* y, __m256 x) noexcept { _mm256_storeu_ps(y, x); }
  static __m256 multiply(__m256 a, __m256 b) noexcept { return _mm256_mul_ps(a, b); }
  static __m256 multiply_add(__m256 a, __m256 b, __m256 c) noexcept {
    return _mm256_fmadd_ps(a, b, c);
  }
  static __m256 multiply_subtract(__m256 a, __m256 b, __m256 c) noexcept {
    return _mm256_fmsub_ps(a, b, c);
  }
  static __m256 floats(__m256i codes) noexcept { return _mm256_cvtepi32_ps(codes); }

  /// Codes [index, index + 8), which fill B bytes.
  template <std::size_t B>
  static __m256i codes(const std::uint8_t* bytes, std::size_t index) noexcept {
    const std::uint8_t* const at = bytes + index / 8 * B;
    if constexpr (B == 8) {
      return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
    } else {
      constexpr int b = static_cast<int>(B);
      const __m256i shifts = _mm256_setr_epi32(0, b, 2 * b, 3 * b, 4 * b, 5 * b, 6 * b, 7 * b);
      const __m256i words = _mm256_set1_epi32(load_item<std::int32_t>(at, 0));
      return _mm256_and_si256(_mm256_srlv_epi32(words, shifts), _mm256_set1_epi32((1 << b) - 1));
    }
  }

  /// Up to 16 levels in two registers, of which bit 3 of a code chooses one.
  struct Table {
    Table(const float* levels, std::size_t n) noexcept
        : low(_mm256_loadu_ps(levels)), high(n > 8 ? _mm256_loadu_ps(levels + 8) : low) {}
    [[nodiscard]] __m256 at(__m256i codes) const noexcept {
      return _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, codes),
                              _mm256_permutevar8x32_ps(high, codes),
                              _mm256_castsi256_ps(_mm256_slli_epi32(codes, 28)));
    }
    __m256 low, high;
  };

  static float half(std::uint16_t x) noexcept { return _cvtsh_ss(x); }
  static void halves(const std::uint8_t* from, std::size_t n, float* to) noexcept {
    for_lanes(n, [&](std::size_t i, std::size_t count) {
      avx2::store(to + i, avx2::load(reinterpret_cast<const Half*>(from) + i, count), count);
    });
  }
};

}  // namespace
}  // namespace nibble::kernels::avx2
