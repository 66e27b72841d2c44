// Activations into tiles: float32, bfloat16, and int8 with a scale for each block.
#include <immintrin.h>

#include "kernels/avx512/linear.h"
#include "kernels/avx512/transpose.h"
#include "kernels/pack_tiles.h"

namespace nibble::kernels::avx512 {
namespace {

/// Mask of the first n of 16 lanes, n of any size.
__mmask16 first_lanes(std::size_t n) noexcept {
  return static_cast<__mmask16>(n >= 16 ? 0xFFFFU : (1U << n) - 1U);
}

/// Dword i of `values` to out[i * stride].
void spread(__m512i values, std::int32_t* out, std::size_t stride, std::size_t n) noexcept {
  alignas(64) std::int32_t dwords[16];
  _mm512_store_si512(dwords, values);
  for (std::size_t i = 0; i < n; ++i) {
    out[i * stride] = dwords[i];
  }
}

/// Codes of one block of one token, and its scale and sum behind them.
void pack_block(
    const PackTask& task, std::size_t t, const float* x, std::size_t n, std::byte* out) noexcept {
  const __m512 low = _mm512_maskz_loadu_ps(first_lanes(n), x);
  const __m512 high =
      n > 16 ? _mm512_maskz_loadu_ps(first_lanes(n - 16), x + 16) : _mm512_setzero_ps();
  const float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
  const __m512 inverse = _mm512_set1_ps(top > 0.0F ? 127.0F / top : 0.0F);
  const __m512i low_codes = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
  const __m512i high_codes = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
  const bool is_broken = (_mm512_cmp_ps_mask(low, low, _CMP_UNORD_Q) |
                          _mm512_cmp_ps_mask(high, high, _CMP_UNORD_Q)) != 0 ||
                         top > __FLT_MAX__;
  const std::int32_t sum =
      is_broken ? 0 : _mm512_reduce_add_epi32(_mm512_add_epi32(low_codes, high_codes));
  const __m256i codes =
      _mm256_set_m128i(_mm512_cvtepi32_epi8(high_codes), _mm512_cvtepi32_epi8(low_codes));
  const std::size_t n_dwords = task.format->groups.block / 4;
  auto* dwords = reinterpret_cast<std::int32_t*>(out);
  spread(_mm512_castsi256_si512(codes), dwords + t, task.tile, n_dwords);
  std::int32_t* inits = dwords + n_dwords * task.tile;
  auto* scales = reinterpret_cast<float*>(inits + task.tile);
  inits[t] = -task.format->zero * sum;
  scales[t] = is_broken ? __builtin_nanf("") : top / 127.0F;  // the maximum does not see NaN
  scales[task.tile + t] = scales[t] * static_cast<float>(sum);
}

void clear(std::byte* out, std::size_t n_bytes) noexcept {
  __builtin_memset(out, 0, n_bytes);
}

/// Tiles from this width on are transposed in squares, narrower ones spread dword by dword.
constexpr std::size_t kTransposedTile = 8;

/// 16 floats of a token as 16 dwords, or 32 as 16 pairs of bfloat16.
struct FloatDwords {
  static constexpr std::size_t kCols = 16;
  static __m512i load(const float* x, std::size_t n) noexcept {
    return _mm512_castps_si512(_mm512_maskz_loadu_ps(first_lanes(n), x));
  }
};
struct BfloatDwords {
  static constexpr std::size_t kCols = 32;
  static __m512i load(const float* x, std::size_t n) noexcept {
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(n), x);
    const __m512 high =
        n > 16 ? _mm512_maskz_loadu_ps(first_lanes(n - 16), x + 16) : _mm512_setzero_ps();
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
  }
};

/// Dwords [0, n) of the tokens of a tile, from column c on, to out[dword][token].
template <class Dwords>
void transpose_dwords(const PackTask& task,
                      std::size_t c,
                      std::size_t n,
                      std::int32_t* out) noexcept {
  __m512 rows[16];
  for (std::size_t t = 0; t < 16; ++t) {
    rows[t] = t < task.n_tokens ? _mm512_castsi512_ps(Dwords::load(task.x + t * task.x_stride + c,
                                                                   task.format->cols - c))
                                : _mm512_setzero_ps();
  }
  transpose(rows);
  const __mmask16 tokens = first_lanes(task.tile);
  for (std::size_t i = 0; i < n; ++i) {
    _mm512_mask_storeu_ps(out + i * task.tile, tokens, rows[i]);
  }
}

/// [dword][T], zeros behind the last column and token.
template <class Dwords>
void pack_dwords(const PackTask& task) noexcept {
  auto* out = reinterpret_cast<std::int32_t*>(task.out);
  constexpr std::size_t kColsOfDword = Dwords::kCols / 16;
  const std::size_t n_dwords = task.format->depth / kColsOfDword;
  const bool is_wide = task.tile >= kTransposedTile;
  if (!is_wide && task.n_tokens < task.tile) {
    clear(task.out, n_dwords * task.tile * sizeof(std::int32_t));
  }
  for (std::size_t first = 0; first < n_dwords; first += 16) {
    const std::size_t c = first * kColsOfDword;
    const std::size_t n = n_dwords - first < 16 ? n_dwords - first : 16;
    if (is_wide) {
      transpose_dwords<Dwords>(task, c, n, out + first * task.tile);
      continue;
    }
    for (std::size_t t = 0; t < task.n_tokens; ++t) {
      spread(Dwords::load(task.x + t * task.x_stride + c, task.format->cols - c),
             out + first * task.tile + t,
             task.tile,
             n);
    }
  }
}

constexpr std::size_t kBlock = 32;  ///< columns of a block, unless groups are shorter

/// The largest of each of 16 vectors, lane by lane: values of the vectors as unsigned bits of
/// floats, NaN above infinity.
__m512i reduce_largest(__m512i (&v)[16]) noexcept {
  for (std::size_t i = 0; i < 8; ++i) {  // lane 4 q + j: of v[i] for even j, of v[i + 8] for odd j
    v[i] = _mm512_max_epi32(_mm512_unpacklo_epi32(v[i], v[i + 8]),
                            _mm512_unpackhi_epi32(v[i], v[i + 8]));
  }
  for (std::size_t i = 0; i < 4; ++i) {  // j: of v[i], v[i + 8], v[i + 4], v[i + 12]
    v[i] = _mm512_max_epi32(_mm512_unpacklo_epi64(v[i], v[i + 4]),
                            _mm512_unpackhi_epi64(v[i], v[i + 4]));
  }
  for (std::size_t i = 0; i < 2; ++i) {  // quarters: i, i, i + 2, i + 2
    v[i] = _mm512_max_epi32(_mm512_shuffle_i32x4(v[i], v[i + 2], 0x88),
                            _mm512_shuffle_i32x4(v[i], v[i + 2], 0xDD));
  }
  const __m512i all = _mm512_max_epi32(_mm512_shuffle_i32x4(v[0], v[1], 0x88),
                                       _mm512_shuffle_i32x4(v[0], v[1], 0xDD));
  // Quarters hold i = 0, 2, 1, 3, and in each the vectors i, i + 8, i + 4, i + 12.
  const __m512i order = _mm512_setr_epi32(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
  return _mm512_permutexvar_epi32(order, all);
}

/// Inverse scales of 16 tokens for one block, and what is written behind its codes.
struct BlockScales {
  alignas(64) float inverses[16];
  __m512 scales;
  __mmask16 broken;  ///< tokens with infinities or NaN

  explicit BlockScales(__m512i top_bits) noexcept {
    const __m512 tops = _mm512_castsi512_ps(top_bits);
    const __m512 most = _mm512_set1_ps(127.0F);
    broken = _mm512_cmpgt_epi32_mask(top_bits, _mm512_set1_epi32(0x7F7FFFFF));
    const __mmask16 positive = _mm512_cmpgt_epi32_mask(top_bits, _mm512_setzero_si512());
    _mm512_store_ps(inverses, _mm512_maskz_div_ps(positive, most, tops));
    scales =
        _mm512_mask_mov_ps(_mm512_div_ps(tops, most), broken, _mm512_set1_ps(__builtin_nanf("")));
  }
};

/// Columns [c, c + 32) of the tokens of a tile, of which `cols` there are in all; zeros elsewhere.
struct BlockInput {
  const PackTask& task;
  std::size_t c;

  [[nodiscard]] __m512 half(std::size_t t, std::size_t at) const noexcept {
    const std::size_t cols = task.format->cols;
    return c + at < cols ? _mm512_maskz_loadu_ps(first_lanes(cols - c - at),
                                                 task.x + t * task.x_stride + c + at)
                         : _mm512_setzero_ps();
  }
  [[nodiscard]] BlockScales scales() const noexcept {
    __m512i tops[16];
    for (std::size_t t = 0; t < 16; ++t) {
      tops[t] = t < task.n_tokens
                    ? _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(half(t, 0))),
                                       _mm512_castps_si512(_mm512_abs_ps(half(t, 16))))
                    : _mm512_setzero_si512();
    }
    return BlockScales(reduce_largest(tops));
  }
  [[nodiscard]] __m512i codes(std::size_t t, std::size_t at, float inverse) const noexcept {
    return _mm512_cvtps_epi32(_mm512_mul_ps(half(t, at), _mm512_set1_ps(inverse)));
  }
};

/// 64 codes of a token as int8, in their order.
__m512i narrow(__m512i a, __m512i b, __m512i c, __m512i d) noexcept {
  const __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
  // Packing works within quarters: quarter q holds dword q of each of the four.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, bytes);
}

/// Writes one block of a tile: its 8 dwords of all tokens, then what goes with them.
void write_block(const PackTask& task,
                 std::size_t block,
                 const __m512* dwords,
                 const BlockScales& scales) noexcept {
  const std::size_t tile = task.tile;
  const __mmask16 tokens = first_lanes(tile);
  auto* out = reinterpret_cast<std::int32_t*>(task.out) + block * (kBlock / 4 + 3) * tile;
  __m512i sums = _mm512_setzero_si512();
  for (std::size_t i = 0; i < kBlock / 4; ++i) {
    const __m512i codes = _mm512_castps_si512(dwords[i]);
    _mm512_mask_storeu_epi32(out + i * tile, tokens, codes);
    sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), codes);
  }
  sums = _mm512_mask_mov_epi32(sums, scales.broken, _mm512_setzero_si512());
  out += kBlock / 4 * tile;
  _mm512_mask_storeu_epi32(
      out, tokens, _mm512_mullo_epi32(_mm512_set1_epi32(-task.format->zero), sums));
  _mm512_mask_storeu_ps(out + tile, tokens, scales.scales);
  _mm512_mask_storeu_ps(
      out + 2 * tile, tokens, _mm512_mul_ps(scales.scales, _mm512_cvtepi32_ps(sums)));
}

/// Blocks b and b + 1, as far as there are, of all tokens of a tile: a square of 16 dwords by 16
/// tokens. The same codes, scales and sums as `pack_block`.
void pack_two_blocks(const PackTask& task, std::size_t b) noexcept {
  const BlockInput first{task, b * kBlock};
  const BlockInput second{task, (b + 1) * kBlock};
  const BlockScales first_scales = first.scales();
  const BlockScales second_scales = second.scales();
  __m512 dwords[16];
  for (std::size_t t = 0; t < 16; ++t) {
    dwords[t] = t < task.n_tokens
                    ? _mm512_castsi512_ps(narrow(first.codes(t, 0, first_scales.inverses[t]),
                                                 first.codes(t, 16, first_scales.inverses[t]),
                                                 second.codes(t, 0, second_scales.inverses[t]),
                                                 second.codes(t, 16, second_scales.inverses[t])))
                    : _mm512_setzero_ps();
  }
  transpose(dwords);
  write_block(task, b, dwords, first_scales);
  if (b + 1 < task.format->groups.n_blocks) {
    write_block(task, b + 1, dwords + 8, second_scales);
  }
}

}  // namespace

void pack_f32(const PackTask& task) noexcept {
  pack_dwords<FloatDwords>(task);
}

void pack_bf16(const PackTask& task) noexcept {
  pack_dwords<BfloatDwords>(task);
}

void pack_int8(const PackTask& task) noexcept {
  const GroupShape& groups = task.format->groups;
  const bool has_even_blocks =
      groups.block == kBlock && (groups.n_groups == 1 || groups.group % kBlock == 0);
  if (task.tile < kTransposedTile || !has_even_blocks) {
    pack_blocks(task, pack_block);
    return;
  }
  for (std::size_t b = 0; b < groups.n_blocks; b += 2) {
    pack_two_blocks(task, b);
  }
}

}  // namespace nibble::kernels::avx512
