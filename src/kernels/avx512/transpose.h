/// Squares of 16 rows of 16 dwords in registers, for the AVX-512 files only.
///
/// Everything is in an unnamed namespace: each file compiles its own copy.
///
/// Source     our own
#pragma once

#include <immintrin.h>

namespace nibble::kernels::avx512 {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

/// Transposes 16 rows of 16 floats in place.
inline void transpose(__m512 (&rows)[16]) noexcept {
  __m512 t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    rows[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    rows[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xEE);
    rows[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    rows[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0x88);
    t[i + 8] = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0xDD);
    t[i + 12] = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0xDD);
  }
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88);
    rows[i + 4] = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88);
    rows[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xDD);
    rows[i + 12] = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xDD);
  }
}

}  // namespace
}  // namespace nibble::kernels::avx512
