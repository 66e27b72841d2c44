// Codes against int8 activations: vpmaddubsw, 8 rows by 4 columns an instruction.
//
// A 16-bit lane sums two products at a time. Nibbles (at most 15) times int8 over the 8 dwords of a
// block stay below 8 * 2 * 15 * 127 = 30480, so a whole block is summed in 16 bits; wider codes are
// split into two nibbles.
#include "kernels/avx2/linear.h"
#include "kernels/avx2/math.h"

namespace nibble::kernels::avx2 {
namespace {

__m256i load_bytes(const std::uint8_t* bytes) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

__m256i low_nibbles(__m256i bytes) noexcept {
  return _mm256_and_si256(bytes, _mm256_set1_epi8(0x0F));
}
__m256i high_nibbles(__m256i bytes) noexcept {
  return low_nibbles(_mm256_srli_epi16(bytes, 4));
}

/// The levels of a codebook, low and high nibbles apart, 16 bytes repeated in each half.
struct Levels {
  __m256i low;
  __m256i high;
};

Levels read_levels(const float* levels) noexcept {
  alignas(32) std::uint8_t low[32] = {};
  alignas(32) std::uint8_t high[32] = {};
  for (std::size_t i = 0; levels != nullptr && i < 32; ++i) {
    const auto level = static_cast<unsigned>(levels[i % 16]);
    low[i] = static_cast<std::uint8_t>(level & 0x0FU);
    high[i] = static_cast<std::uint8_t>(level >> 4);
  }
  return {load_bytes(low), load_bytes(high)};
}

/// 8 rows of dword d of a block: the low nibbles of their levels, and the high ones where there are
/// any.
struct Int4 {
  static constexpr bool kWide = false;
  static constexpr std::size_t kDwordBytes = 32;
  static void read(const std::uint8_t* half,
                   std::size_t d,
                   const Levels& /*levels*/,
                   __m256i& low,
                   __m256i& /*high*/) noexcept {
    const __m256i bytes = load_bytes(half + d / 2 * 64);
    low = d % 2 == 0 ? low_nibbles(bytes) : high_nibbles(bytes);
  }
};

struct Int4Levels {
  static constexpr bool kWide = true;
  static constexpr std::size_t kDwordBytes = 32;
  static void read(const std::uint8_t* half,
                   std::size_t d,
                   const Levels& levels,
                   __m256i& low,
                   __m256i& high) noexcept {
    const __m256i bytes = load_bytes(half + d / 2 * 64);
    const __m256i codes = d % 2 == 0 ? low_nibbles(bytes) : high_nibbles(bytes);
    low = _mm256_shuffle_epi8(levels.low, codes);
    high = _mm256_shuffle_epi8(levels.high, codes);
  }
};

struct Int8 {
  static constexpr bool kWide = true;
  static constexpr std::size_t kDwordBytes = 64;
  static void read(const std::uint8_t* half,
                   std::size_t d,
                   const Levels& /*levels*/,
                   __m256i& low,
                   __m256i& high) noexcept {
    const __m256i bytes = load_bytes(half + d * 64);
    low = low_nibbles(bytes);
    high = high_nibbles(bytes);
  }
};

__m256 load_halves(const std::uint16_t* values) noexcept {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values)));
}

/// The exact dots of 8 rows with T tokens over one block.
template <class Codes, int T>
void dot_block(const std::uint8_t* half,
               const std::int32_t* x,
               std::size_t n_dwords,
               const Levels& levels,
               __m256i (&dots)[T]) noexcept {
  __m256i low_sums[T];
  __m256i high_sums[T];
  for (int t = 0; t < T; ++t) {
    low_sums[t] = high_sums[t] = _mm256_setzero_si256();
  }
  for (std::size_t d = 0; d < n_dwords; ++d) {
    __m256i low;
    __m256i high;
    Codes::read(half, d, levels, low, high);
    for (int t = 0; t < T; ++t) {
      const __m256i value = _mm256_set1_epi32(x[d * T + static_cast<std::size_t>(t)]);
      low_sums[t] = _mm256_add_epi16(low_sums[t], _mm256_maddubs_epi16(low, value));
      if constexpr (Codes::kWide) {
        high_sums[t] = _mm256_add_epi16(high_sums[t], _mm256_maddubs_epi16(high, value));
      }
    }
  }
  for (int t = 0; t < T; ++t) {
    dots[t] = _mm256_add_epi32(_mm256_set1_epi32(x[n_dwords * T + static_cast<std::size_t>(t)]),
                               _mm256_madd_epi16(low_sums[t], _mm256_set1_epi16(1)));
    if constexpr (Codes::kWide) {
      dots[t] = _mm256_add_epi32(dots[t], _mm256_madd_epi16(high_sums[t], _mm256_set1_epi16(16)));
    }
  }
}

/// Half a panel (8 rows from `first` on) times one tile of T tokens.
template <class Codes, int T>
void multiply_half(const PanelTask& task, std::size_t first, std::size_t n_rows) noexcept {
  const GroupShape& groups = task.groups;
  const Levels levels = read_levels(task.levels);
  const std::size_t n_dwords = groups.block / 4;
  const auto* half = reinterpret_cast<const std::uint8_t*>(task.codes) + first * 4;
  const auto* x = reinterpret_cast<const std::int32_t*>(task.x);
  __m256 sums[T];
  for (int t = 0; t < T; ++t) {
    sums[t] = _mm256_setzero_ps();
  }
  for (std::size_t b = 0; b < groups.n_blocks; ++b) {
    const std::size_t at = b / groups.blocks_per_group * kPanelRows + first;
    const __m256 scale = load_halves(task.scales + at);
    const auto* scales = reinterpret_cast<const float*>(x + (n_dwords + 1) * T);
    __m256i dots[T];
    dot_block<Codes, T>(half, x, n_dwords, levels, dots);
    for (int t = 0; t < T; ++t) {
      const __m256 both = _mm256_mul_ps(scale, _mm256_broadcast_ss(scales + t));
      sums[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[t]), both, sums[t]);
    }
    if (task.offsets != nullptr) {
      const __m256 offset = load_halves(task.offsets + at);
      for (int t = 0; t < T; ++t) {
        sums[t] = _mm256_fmadd_ps(offset, _mm256_broadcast_ss(scales + T + t), sums[t]);
      }
    }
    half += n_dwords * Codes::kDwordBytes;
    x += (n_dwords + 3) * T;
  }
  const __m256 factor = _mm256_loadu_ps(task.row_factors + first);
  const __m256 bias = task.bias != nullptr ? load(task.bias + first, n_rows) : _mm256_setzero_ps();
  for (std::size_t t = 0; t < T && t < task.n_tokens; ++t) {
    store(task.y + t * task.y_stride + first, _mm256_fmadd_ps(sums[t], factor, bias), n_rows);
  }
}

template <class Codes, int T>
void multiply_width(const PanelTask& task) noexcept {
  multiply_half<Codes, T>(task, 0, task.n_rows);
  if (task.n_rows > 8) {
    multiply_half<Codes, T>(task, 8, task.n_rows - 8);
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

void multiply_int8(const PanelTask& task) noexcept {
  multiply<Int8>(task);
}

void multiply_int4(const PanelTask& task) noexcept {
  task.levels != nullptr ? multiply<Int4Levels>(task) : multiply<Int4>(task);
}

}  // namespace nibble::kernels::avx2
