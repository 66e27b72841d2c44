// Codes against int8 activations: vpdpbusd, 16 rows by 4 columns an instruction.
#include <immintrin.h>

#include "kernels/avx512/linear.h"
#include "kernels/prefetch.h"

namespace nibble::kernels::avx512 {
namespace {

constexpr int kVector = 64;

__m512i load_vector(const std::uint8_t* chunk, int vector) noexcept {
  return _mm512_loadu_si512(chunk + vector * kVector);
}

/// Every byte shifted to the right (to the left where negative); bits of its neighbour come in.
template <int kRight>
__m512i shift(__m512i bytes) noexcept {
  if constexpr (kRight >= 0) {
    return _mm512_srli_epi16(bytes, kRight);
  } else {
    return _mm512_slli_epi16(bytes, -kRight);
  }
}

/// Where dword d of a chunk lies in a plane of kBits that starts at vector kFirst: its bits moved
/// to bit kTo of each byte, not yet cut out.
template <int kBits, int kFirst, int kTo, int d>
__m512i plane(const std::uint8_t* chunk) noexcept {
  constexpr int kPerByte = 8 / kBits;
  return shift<d % kPerByte * kBits - kTo>(load_vector(chunk, kFirst + d / kPerByte));
}

__m512i cut(__m512i bytes, int mask) noexcept {
  return _mm512_and_si512(bytes, _mm512_set1_epi8(static_cast<char>(mask)));
}

/// (upper & mask) | lower in one instruction.
__m512i join(__m512i upper, int mask, __m512i lower) noexcept {
  return _mm512_ternarylogic_epi64(upper, _mm512_set1_epi8(static_cast<char>(mask)), lower, 0xEA);
}

// How dword d of a chunk is read: the levels of 16 rows by 4 columns. `table` is kLut4's.
struct Int2 {
  static constexpr int kVectors = 2;
  template <int d>
  static __m512i read(const std::uint8_t* chunk, __m512i /*table*/) noexcept {
    return cut(plane<2, 0, 0, d>(chunk), 0x03);
  }
};
struct Int3 {
  static constexpr int kVectors = 3;
  template <int d>
  static __m512i read(const std::uint8_t* chunk, __m512i table) noexcept {
    return join(plane<1, 2, 2, d>(chunk), 0x04, Int2::read<d>(chunk, table));
  }
};
struct Int4 {
  static constexpr int kVectors = 4;
  template <int d>
  static __m512i read(const std::uint8_t* chunk, __m512i /*table*/) noexcept {
    return cut(plane<4, 0, 0, d>(chunk), 0x0F);
  }
};
struct Int5 {
  static constexpr int kVectors = 5;
  template <int d>
  static __m512i read(const std::uint8_t* chunk, __m512i table) noexcept {
    return join(plane<1, 4, 4, d>(chunk), 0x10, Int4::read<d>(chunk, table));
  }
};
struct Int6 {
  static constexpr int kVectors = 6;
  template <int d>
  static __m512i read(const std::uint8_t* chunk, __m512i table) noexcept {
    return join(plane<2, 4, 4, d>(chunk), 0x30, Int4::read<d>(chunk, table));
  }
};
struct Int8 {
  static constexpr int kVectors = 8;
  template <int d>
  static __m512i read(const std::uint8_t* chunk, __m512i /*table*/) noexcept {
    return load_vector(chunk, d);
  }
};
struct Lut4 {
  static constexpr int kVectors = 4;
  template <int d>
  static __m512i read(const std::uint8_t* chunk, __m512i table) noexcept {
    // vpermb reads 6 index bits; the table repeats every 16, so what stands above the nibble does
    // not matter.
    return _mm512_permutexvar_epi8(plane<4, 0, 0, d>(chunk), table);
  }
};

/// The codebook of kLut4 four times.
__m512i read_table(const std::uint8_t* levels) noexcept {
  return levels == nullptr
             ? _mm512_setzero_si512()
             : _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(levels)));
}

/// The scales or offsets of the 16 rows in group g.
__m512 load_scales(const PanelTask& task,
                   const std::uint16_t* halves,
                   const std::int8_t* integers,
                   std::size_t g) noexcept {
  halves += (g >> task.super_shift) * kPanelRows;
  const __m512 values =
      _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
  if (integers == nullptr) {
    return values;
  }
  const auto* bytes = reinterpret_cast<const __m128i*>(integers + g * kPanelRows);
  return _mm512_mul_ps(values, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(bytes))));
}

__m512i broadcast(const std::int32_t* value) noexcept {
  return _mm512_set1_epi32(*value);
}

/// dots += dwords [kFirst, kEnd) of a chunk times those of T tokens.
template <class Codes, int T, int kFirst, int kEnd>
[[gnu::always_inline]] inline void add_dwords(const std::uint8_t* chunk,
                                              __m512i table,
                                              const std::int32_t* x,
                                              __m512i (&dots)[T]) noexcept {
  if constexpr (kFirst < kEnd) {
    const __m512i levels = Codes::template read<kFirst>(chunk, table);
    for (int t = 0; t < T; ++t) {
      dots[t] = _mm512_dpbusd_epi32(dots[t], levels, broadcast(x + t));
    }
    add_dwords<Codes, T, kFirst + 1, kEnd>(chunk, table, x + T, dots);
  }
}

/// What walks along a panel beside the chunks: activations, scales, sums.
template <int T, bool kOffsets>
struct Walk {
  const std::int32_t* x;
  std::size_t group;
  std::size_t left_in_group;
  __m512 scale;
  __m512 offset;
  __m512 sums[T];
};

/// One block: dwords [kFirst, kEnd) of the chunk.
template <class Codes, int T, int kFirst, int kEnd, bool kOffsets>
[[gnu::always_inline]] inline void add_block(const PanelTask& task,
                                             const std::uint8_t* chunk,
                                             __m512i table,
                                             Walk<T, kOffsets>& walk) noexcept {
  constexpr int kDwords = kEnd - kFirst;
  if (walk.left_in_group == 0) {
    walk.left_in_group = task.groups.blocks_per_group;
    walk.scale = load_scales(task, task.scales, task.integer_scales, walk.group);
    if constexpr (kOffsets) {
      walk.offset = load_scales(task, task.offsets, task.integer_offsets, walk.group);
    }
    ++walk.group;
  }
  --walk.left_in_group;
  const std::int32_t* inits = walk.x + kDwords * T;
  const auto* scales = reinterpret_cast<const float*>(inits + T);
  __m512i dots[T];
  for (int t = 0; t < T; ++t) {
    dots[t] = broadcast(inits + t);
  }
  add_dwords<Codes, T, kFirst, kEnd>(chunk, table, walk.x, dots);
  for (int t = 0; t < T; ++t) {
    const __m512 both = _mm512_mul_ps(walk.scale, _mm512_set1_ps(scales[t]));
    walk.sums[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t]), both, walk.sums[t]);
    if constexpr (kOffsets) {
      walk.sums[t] = _mm512_fmadd_ps(walk.offset, _mm512_set1_ps(scales[T + t]), walk.sums[t]);
    }
  }
  walk.x += (kDwords + 3) * T;
}

/// One panel times one tile of T tokens; blocks have kDwords dwords, 8 or 4.
template <class Codes, int T, int kDwords, bool kOffsets>
void multiply_tile(const PanelTask& task) noexcept {
  const auto* chunk = reinterpret_cast<const std::uint8_t*>(task.codes);
  const __m512i table = read_table(task.levels);
  Walk<T, kOffsets> walk;
  walk.x = reinterpret_cast<const std::int32_t*>(task.x);
  walk.group = 0;
  walk.left_in_group = 0;
  walk.scale = walk.offset = _mm512_setzero_ps();
  for (int t = 0; t < T; ++t) {
    walk.sums[t] = _mm512_setzero_ps();
  }
  for (std::size_t left = task.groups.n_blocks; left != 0; --left) {
    if constexpr (T <= kWidestPrefetchingTile) {
      prefetch_lines(chunk + task.ahead, Codes::kVectors);
    }
    add_block<Codes, T, 0, kDwords>(task, chunk, table, walk);
    if constexpr (kDwords == 4) {
      if (--left == 0) {
        break;
      }
      add_block<Codes, T, 4, 8>(task, chunk, table, walk);
    }
    chunk += Codes::kVectors * kVector;
  }
  const auto rows = static_cast<__mmask16>((1U << task.n_rows) - 1U);
  const __m512 factor = _mm512_loadu_ps(task.row_factors);
  const __m512 bias =
      task.bias != nullptr ? _mm512_maskz_loadu_ps(rows, task.bias) : _mm512_setzero_ps();
  for (int t = 0; t < T && static_cast<std::size_t>(t) < task.n_tokens; ++t) {
    _mm512_mask_storeu_ps(task.y + static_cast<std::size_t>(t) * task.y_stride,
                          rows,
                          _mm512_fmadd_ps(walk.sums[t], factor, bias));
  }
}

template <class Codes, int T>
void multiply_width(const PanelTask& task) noexcept {
  const bool wide = task.groups.block == 32;
  if (task.offsets != nullptr) {
    wide ? multiply_tile<Codes, T, 8, true>(task) : multiply_tile<Codes, T, 4, true>(task);
  } else {
    wide ? multiply_tile<Codes, T, 8, false>(task) : multiply_tile<Codes, T, 4, false>(task);
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

void multiply_int2(const PanelTask& task) noexcept {
  multiply<Int2>(task);
}
void multiply_int3(const PanelTask& task) noexcept {
  multiply<Int3>(task);
}
void multiply_int4(const PanelTask& task) noexcept {
  multiply<Int4>(task);
}
void multiply_int5(const PanelTask& task) noexcept {
  multiply<Int5>(task);
}
void multiply_int6(const PanelTask& task) noexcept {
  multiply<Int6>(task);
}
void multiply_int8(const PanelTask& task) noexcept {
  multiply<Int8>(task);
}
void multiply_lut4(const PanelTask& task) noexcept {
  multiply<Lut4>(task);
}

}  // namespace nibble::kernels::avx512
