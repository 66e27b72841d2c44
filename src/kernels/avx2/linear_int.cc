// Codes against int8 activations: vpmaddubsw, 8 rows by 4 columns an instruction.
//
// A 16-bit lane sums two products at a time, so codes up to 15 may be summed over the 8 dwords of a
// block (8 * 2 * 15 * 127 = 30480), codes up to 31 over 4 and up to 63 over 2 before the sums are
// widened. Levels of 8 bits are split into two nibbles.
#include "kernels/avx2/linear.h"
#include "kernels/avx2/math.h"
#include "kernels/prefetch.h"

namespace nibble::kernels::avx2 {
namespace {

constexpr int kVector = 64;

/// Every byte shifted to the right (to the left where negative); bits of its neighbour come in.
template <int kRight>
__m256i shift(__m256i bytes) noexcept {
  if constexpr (kRight >= 0) {
    return _mm256_srli_epi16(bytes, kRight);
  } else {
    return _mm256_slli_epi16(bytes, -kRight);
  }
}

__m256i cut(__m256i bytes, int mask) noexcept {
  return _mm256_and_si256(bytes, _mm256_set1_epi8(static_cast<char>(mask)));
}

/// Dword d of half a chunk in a plane of kBits that starts at vector kFirst: its bits moved to bit
/// kTo of each byte, and nothing else.
template <int kBits, int kFirst, int kTo, int d>
__m256i plane(const std::uint8_t* half) noexcept {
  constexpr int kPerByte = 8 / kBits;
  const auto* vector = reinterpret_cast<const __m256i*>(half + (kFirst + d / kPerByte) * kVector);
  return cut(shift<d % kPerByte * kBits - kTo>(_mm256_loadu_si256(vector)),
             ((1 << kBits) - 1) << kTo);
}

/// The codebook of kLut4: low and high nibbles of its levels apart, twice 16 bytes.
struct Table {
  __m256i low;
  __m256i high;
};

Table read_table(const std::uint8_t* levels) noexcept {
  if (levels == nullptr) {
    return {_mm256_setzero_si256(), _mm256_setzero_si256()};
  }
  const __m256i both =
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(levels)));
  return {cut(both, 0x0F), cut(shift<4>(both), 0x0F)};
}

// How dword d of half a chunk is read: levels of 8 rows by 4 columns, in kParts parts that count
// 1 and 16. kSummed dwords may be summed in 16 bits.
struct Int2 {
  static constexpr int kVectors = 2;
  static constexpr int kParts = 1;
  static constexpr int kSummed = 8;
  template <int d, int kPart>
  static __m256i read(const std::uint8_t* half, const Table& /*table*/) noexcept {
    return plane<2, 0, 0, d>(half);
  }
};
struct Int3 {
  static constexpr int kVectors = 3;
  static constexpr int kParts = 1;
  static constexpr int kSummed = 8;
  template <int d, int kPart>
  static __m256i read(const std::uint8_t* half, const Table& /*table*/) noexcept {
    return _mm256_or_si256(plane<2, 0, 0, d>(half), plane<1, 2, 2, d>(half));
  }
};
struct Int4 {
  static constexpr int kVectors = 4;
  static constexpr int kParts = 1;
  static constexpr int kSummed = 8;
  template <int d, int kPart>
  static __m256i read(const std::uint8_t* half, const Table& /*table*/) noexcept {
    return plane<4, 0, 0, d>(half);
  }
};
struct Int5 {
  static constexpr int kVectors = 5;
  static constexpr int kParts = 1;
  static constexpr int kSummed = 4;
  template <int d, int kPart>
  static __m256i read(const std::uint8_t* half, const Table& /*table*/) noexcept {
    return _mm256_or_si256(plane<4, 0, 0, d>(half), plane<1, 4, 4, d>(half));
  }
};
struct Int6 {
  static constexpr int kVectors = 6;
  static constexpr int kParts = 1;
  static constexpr int kSummed = 2;
  template <int d, int kPart>
  static __m256i read(const std::uint8_t* half, const Table& /*table*/) noexcept {
    return _mm256_or_si256(plane<4, 0, 0, d>(half), plane<2, 4, 4, d>(half));
  }
};
struct Int8 {
  static constexpr int kVectors = 8;
  static constexpr int kParts = 2;
  static constexpr int kSummed = 8;
  template <int d, int kPart>
  static __m256i read(const std::uint8_t* half, const Table& /*table*/) noexcept {
    return cut(shift<4 * kPart>(plane<8, 0, 0, d>(half)), 0x0F);
  }
};
struct Lut4 {
  static constexpr int kVectors = 4;
  static constexpr int kParts = 2;
  static constexpr int kSummed = 8;
  template <int d, int kPart>
  static __m256i read(const std::uint8_t* half, const Table& table) noexcept {
    return _mm256_shuffle_epi8(kPart == 0 ? table.low : table.high, plane<4, 0, 0, d>(half));
  }
};

/// The scales or offsets of 8 rows, from row `first` on, in group g.
__m256 load_scales(const PanelTask& task,
                   const std::uint16_t* halves,
                   const std::int8_t* integers,
                   std::size_t g,
                   std::size_t first) noexcept {
  halves += (g >> task.super_shift) * kPanelRows + first;
  const __m256 values = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
  if (integers == nullptr) {
    return values;
  }
  integers += g * kPanelRows + first;
  const __m256i widened =
      _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(integers)));
  return _mm256_mul_ps(values, _mm256_cvtepi32_ps(widened));
}

__m256i broadcast(const std::int32_t* value) noexcept {
  return _mm256_set1_epi32(*value);
}

/// sums += dwords [kFirst, kEnd) of one part times those of T tokens, in 16 bits.
template <class Codes, int T, int kPart, int kFirst, int kEnd>
[[gnu::always_inline]] inline void add_products(const std::uint8_t* half,
                                                const Table& table,
                                                const std::int32_t* x,
                                                __m256i (&sums)[T]) noexcept {
  if constexpr (kFirst < kEnd) {
    const __m256i levels = Codes::template read<kFirst, kPart>(half, table);
    for (int t = 0; t < T; ++t) {
      sums[t] = _mm256_add_epi16(sums[t], _mm256_maddubs_epi16(levels, broadcast(x + t)));
    }
    add_products<Codes, T, kPart, kFirst + 1, kEnd>(half, table, x + T, sums);
  }
}

/// dots += dwords [kFirst, kEnd) of half a chunk times those of T tokens: part after part, as many
/// dwords at a time as 16 bits hold.
template <class Codes, int T, int kPart, int kFirst, int kEnd>
[[gnu::always_inline]] inline void add_dwords(const std::uint8_t* half,
                                              const Table& table,
                                              const std::int32_t* x,
                                              __m256i (&dots)[T]) noexcept {
  if constexpr (kFirst < kEnd) {
    constexpr int kStop = kFirst + Codes::kSummed < kEnd ? kFirst + Codes::kSummed : kEnd;
    __m256i sums[T];
    for (int t = 0; t < T; ++t) {
      sums[t] = _mm256_setzero_si256();
    }
    add_products<Codes, T, kPart, kFirst, kStop>(half, table, x, sums);
    for (int t = 0; t < T; ++t) {
      const __m256i part = _mm256_madd_epi16(sums[t], _mm256_set1_epi16(kPart == 0 ? 1 : 16));
      dots[t] = _mm256_add_epi32(dots[t], part);
    }
    add_dwords<Codes, T, kPart, kStop, kEnd>(half, table, x + (kStop - kFirst) * T, dots);
  }
}

/// What walks along half a panel beside the chunks: activations, scales, sums.
template <int T>
struct Walk {
  const std::int32_t* x;
  std::size_t block;
  std::size_t first_row;
  __m256 sums[T];
};

/// One block: dwords [kFirst, kEnd) of the chunk.
template <class Codes, int T, int kFirst, int kEnd>
[[gnu::always_inline]] inline void add_block(const PanelTask& task,
                                             const std::uint8_t* half,
                                             const Table& table,
                                             Walk<T>& walk) noexcept {
  constexpr int kDwords = kEnd - kFirst;
  const std::size_t g = walk.block++ / task.groups.blocks_per_group;
  const std::int32_t* inits = walk.x + kDwords * T;
  const auto* scales = reinterpret_cast<const float*>(inits + T);
  __m256i dots[T];
  for (int t = 0; t < T; ++t) {
    dots[t] = broadcast(inits + t);
  }
  add_dwords<Codes, T, 0, kFirst, kEnd>(half, table, walk.x, dots);
  if constexpr (Codes::kParts == 2) {
    add_dwords<Codes, T, 1, kFirst, kEnd>(half, table, walk.x, dots);
  }
  const __m256 scale = load_scales(task, task.scales, task.integer_scales, g, walk.first_row);
  for (int t = 0; t < T; ++t) {
    const __m256 both = _mm256_mul_ps(scale, _mm256_broadcast_ss(scales + t));
    walk.sums[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[t]), both, walk.sums[t]);
  }
  if (task.offsets != nullptr) {
    const __m256 offset = load_scales(task, task.offsets, task.integer_offsets, g, walk.first_row);
    for (int t = 0; t < T; ++t) {
      walk.sums[t] = _mm256_fmadd_ps(offset, _mm256_broadcast_ss(scales + T + t), walk.sums[t]);
    }
  }
  walk.x += (kDwords + 3) * T;
}

/// Half a panel (8 rows from `first` on) times one tile of T tokens; blocks have kDwords dwords.
template <class Codes, int T, int kDwords>
void multiply_half(const PanelTask& task, std::size_t first, std::size_t n_rows) noexcept {
  const Table table = read_table(task.levels);
  const auto* half = reinterpret_cast<const std::uint8_t*>(task.codes) + first * 4;
  Walk<T> walk;
  walk.x = reinterpret_cast<const std::int32_t*>(task.x);
  walk.block = 0;
  walk.first_row = first;
  for (int t = 0; t < T; ++t) {
    walk.sums[t] = _mm256_setzero_ps();
  }
  while (walk.block != task.groups.n_blocks) {
    if (T <= kWidestPrefetchingTile && first == 0) {  // the other half lies in the same lines
      prefetch_lines(half + task.ahead, Codes::kVectors);
    }
    add_block<Codes, T, 0, kDwords>(task, half, table, walk);
    if constexpr (kDwords == 4) {
      if (walk.block == task.groups.n_blocks) {
        break;
      }
      add_block<Codes, T, 4, 8>(task, half, table, walk);
    }
    half += Codes::kVectors * kVector;
  }
  const __m256 factor = _mm256_loadu_ps(task.row_factors + first);
  const __m256 bias = task.bias != nullptr ? load(task.bias + first, n_rows) : _mm256_setzero_ps();
  for (std::size_t t = 0; t < T && t < task.n_tokens; ++t) {
    store(task.y + t * task.y_stride + first, _mm256_fmadd_ps(walk.sums[t], factor, bias), n_rows);
  }
}

template <class Codes, int T>
void multiply_width(const PanelTask& task) noexcept {
  const auto half =
      task.groups.block == 32 ? multiply_half<Codes, T, 8> : multiply_half<Codes, T, 4>;
  half(task, 0, task.n_rows);
  if (task.n_rows > 8) {
    half(task, 8, task.n_rows - 8);
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
    default:
      return multiply_width<Codes, 6>(task);
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

}  // namespace nibble::kernels::avx2
