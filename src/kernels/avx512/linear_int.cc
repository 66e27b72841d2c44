// Codes against int8 activations: vpdpbusd, 16 rows by 4 columns an instruction.
#include <immintrin.h>

#include "kernels/avx512/linear.h"

namespace nibble::kernels::avx512 {
namespace {

/// Byte i = level of code i % 16.
__m512i read_levels(const float* levels) noexcept {
  std::uint8_t bytes[64] = {};
  for (std::size_t i = 0; levels != nullptr && i < 64; ++i) {
    bytes[i] = static_cast<std::uint8_t>(levels[i % 16]);
  }
  return _mm512_loadu_si512(bytes);
}

__m512 load_halves(const std::uint16_t* values) noexcept {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)));
}

/// Two dwords of a block at once: `low` and `high` become the levels of dwords 2i and 2i + 1.
struct Int4 {
  static constexpr std::size_t kBytes = 64;
  static void read(const std::uint8_t* codes,
                   __m512i /*levels*/,
                   __m512i& low,
                   __m512i& high) noexcept {
    const __m512i mask = _mm512_set1_epi8(0x0F);
    const __m512i bytes = _mm512_loadu_si512(codes);
    low = _mm512_and_si512(bytes, mask);
    high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), mask);
  }
};

struct Int4Levels {
  static constexpr std::size_t kBytes = 64;
  static void read(const std::uint8_t* codes,
                   __m512i levels,
                   __m512i& low,
                   __m512i& high) noexcept {
    // vpermb reads 6 index bits; the table repeats every 16, so what stands above the nibble does
    // not matter.
    const __m512i bytes = _mm512_loadu_si512(codes);
    low = _mm512_permutexvar_epi8(bytes, levels);
    high = _mm512_permutexvar_epi8(_mm512_srli_epi16(bytes, 4), levels);
  }
};

struct Int8 {
  static constexpr std::size_t kBytes = 128;
  static void read(const std::uint8_t* codes,
                   __m512i /*levels*/,
                   __m512i& low,
                   __m512i& high) noexcept {
    low = _mm512_loadu_si512(codes);
    high = _mm512_loadu_si512(codes + 64);
  }
};

__m512i broadcast(const std::int32_t* value) noexcept {
  return _mm512_set1_epi32(*value);
}

/// One panel times one tile of T tokens; a block has 2 * kPairs dwords.
template <class Codes, int T, int kPairs, bool kOffsets>
void multiply_tile(const PanelTask& task) noexcept {
  constexpr std::size_t kXDwords = T * (2 * kPairs + 3);
  const auto* x = reinterpret_cast<const std::int32_t*>(task.x);
  const auto* codes = reinterpret_cast<const std::uint8_t*>(task.codes);
  const __m512i levels = read_levels(task.levels);
  __m512 sums[T];
  for (int t = 0; t < T; ++t) {
    sums[t] = _mm512_setzero_ps();
  }
  __m512 scale = _mm512_setzero_ps();
  __m512 offset = _mm512_setzero_ps();
  std::size_t left_in_group = 0;
  std::size_t group = 0;
  for (std::size_t b = 0; b < task.groups.n_blocks; ++b) {
    if (left_in_group == 0) {
      left_in_group = task.groups.blocks_per_group;
      scale = load_halves(task.scales + group * kPanelRows);
      if constexpr (kOffsets) {
        offset = load_halves(task.offsets + group * kPanelRows);
      }
      ++group;
    }
    --left_in_group;
    const std::int32_t* inits = x + 2 * kPairs * T;
    const auto* scales = reinterpret_cast<const float*>(inits + T);
    __m512i dots[T];
    for (int t = 0; t < T; ++t) {
      dots[t] = broadcast(inits + t);
    }
#pragma GCC unroll 4
    for (int pair = 0; pair < kPairs; ++pair) {
      __m512i low;
      __m512i high;
      Codes::read(codes + static_cast<std::size_t>(pair) * Codes::kBytes, levels, low, high);
      for (int t = 0; t < T; ++t) {
        dots[t] = _mm512_dpbusd_epi32(dots[t], low, broadcast(x + 2 * pair * T + t));
      }
      for (int t = 0; t < T; ++t) {
        dots[t] = _mm512_dpbusd_epi32(dots[t], high, broadcast(x + (2 * pair + 1) * T + t));
      }
    }
    for (int t = 0; t < T; ++t) {
      const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(scales[t]));
      sums[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t]), both, sums[t]);
      if constexpr (kOffsets) {
        sums[t] = _mm512_fmadd_ps(offset, _mm512_set1_ps(scales[T + t]), sums[t]);
      }
    }
    codes += kPairs * Codes::kBytes;
    x += kXDwords;
  }
  const auto rows = static_cast<__mmask16>((1U << task.n_rows) - 1U);
  const __m512 factor = _mm512_loadu_ps(task.row_factors);
  const __m512 bias =
      task.bias != nullptr ? _mm512_maskz_loadu_ps(rows, task.bias) : _mm512_setzero_ps();
  for (int t = 0; t < T && static_cast<std::size_t>(t) < task.n_tokens; ++t) {
    _mm512_mask_storeu_ps(task.y + static_cast<std::size_t>(t) * task.y_stride,
                          rows,
                          _mm512_fmadd_ps(sums[t], factor, bias));
  }
}

template <class Codes, int T>
void multiply_width(const PanelTask& task) noexcept {
  const bool wide = task.groups.block == 32;
  if (task.offsets != nullptr) {
    wide ? multiply_tile<Codes, T, 4, true>(task) : multiply_tile<Codes, T, 2, true>(task);
  } else {
    wide ? multiply_tile<Codes, T, 4, false>(task) : multiply_tile<Codes, T, 2, false>(task);
  }
}

template <class Codes>
void multiply(const PanelTask& task) noexcept {
  switch (task.tile) {
    case 1:
      return multiply_width<Codes, 1>(task);
    case 2:
      return multiply_width<Codes, 2>(task);
    case 4:
      return multiply_width<Codes, 4>(task);
    case 8:
      return multiply_width<Codes, 8>(task);
    default:
      return multiply_width<Codes, 12>(task);
  }
}

}  // namespace

void multiply_int8(const PanelTask& task) noexcept {
  multiply<Int8>(task);
}

void multiply_int4(const PanelTask& task) noexcept {
  task.levels != nullptr ? multiply<Int4Levels>(task) : multiply<Int4>(task);
}

}  // namespace nibble::kernels::avx512
