// Codes against int8 activations: sdot by lane, 4 rows by 4 columns of one token an instruction.
//
// One or two tokens take all 16 rows of a panel at once; more take 8 rows, so that the sums of
// 6 tokens (12 int32, 12 float32) stay in the 32 registers.
#include "kernels/neon/linear.h"
#include "kernels/neon/math.h"

namespace nibble::kernels::neon {
namespace {

constexpr int kVector = 64;
constexpr int kQuad = 4;  ///< dwords whose activations fill whole registers, whatever the tile

/// Dword d of a chunk in a plane of kBits that starts at vector kFirst, 4 rows: its bits moved to
/// bit kTo of each byte, and nothing else.
template <int kBits, int kFirst, int kTo, int d>
uint8x16_t plane(const std::uint8_t* rows) noexcept {
  constexpr int kPerByte = 8 / kBits;
  constexpr int kRight = d % kPerByte * kBits - kTo;
  uint8x16_t bytes = vld1q_u8(rows + (kFirst + d / kPerByte) * kVector);
  if constexpr (kRight > 0) {
    bytes = vshrq_n_u8(bytes, kRight);
  } else if constexpr (kRight < 0) {
    bytes = vshlq_n_u8(bytes, -kRight);
  }
  if constexpr (kTo == 0 && kRight + kBits == 8) {
    return bytes;  // the shift has left nothing else
  } else {
    return vandq_u8(bytes, vdupq_n_u8(((1 << kBits) - 1) << kTo));
  }
}

// How dword d of a chunk is read: signed levels of 4 rows by 4 columns. `table` is kLut4's.
struct Int2 {
  static constexpr int kVectors = 2;
  template <int d>
  static uint8x16_t read(const std::uint8_t* rows, uint8x16_t /*table*/) noexcept {
    return plane<2, 0, 0, d>(rows);
  }
};
struct Int3 {
  static constexpr int kVectors = 3;
  template <int d>
  static uint8x16_t read(const std::uint8_t* rows, uint8x16_t /*table*/) noexcept {
    return vorrq_u8(plane<2, 0, 0, d>(rows), plane<1, 2, 2, d>(rows));
  }
};
struct Int4 {
  static constexpr int kVectors = 4;
  template <int d>
  static uint8x16_t read(const std::uint8_t* rows, uint8x16_t /*table*/) noexcept {
    return plane<4, 0, 0, d>(rows);
  }
};
struct Int5 {
  static constexpr int kVectors = 5;
  template <int d>
  static uint8x16_t read(const std::uint8_t* rows, uint8x16_t /*table*/) noexcept {
    return vorrq_u8(plane<4, 0, 0, d>(rows), plane<1, 4, 4, d>(rows));
  }
};
struct Int6 {
  static constexpr int kVectors = 6;
  template <int d>
  static uint8x16_t read(const std::uint8_t* rows, uint8x16_t /*table*/) noexcept {
    return vorrq_u8(plane<4, 0, 0, d>(rows), plane<2, 4, 4, d>(rows));
  }
};
/// Codes minus 128.
struct Int8 {
  static constexpr int kVectors = 8;
  template <int d>
  static uint8x16_t read(const std::uint8_t* rows, uint8x16_t /*table*/) noexcept {
    return veorq_u8(plane<8, 0, 0, d>(rows), vdupq_n_u8(0x80));
  }
};
/// Levels minus 128: the table holds them so.
struct Lut4 {
  static constexpr int kVectors = 4;
  template <int d>
  static uint8x16_t read(const std::uint8_t* rows, uint8x16_t table) noexcept {
    return vqtbl1q_u8(table, plane<4, 0, 0, d>(rows));
  }
};

/// The scales or offsets of 4 rows, from row `first` on, in group g.
float32x4_t load_scales(const PanelTask& task,
                        const std::uint16_t* halves,
                        const std::int8_t* integers,
                        std::size_t g,
                        std::size_t first) noexcept {
  const float32x4_t values = load(halves + (g >> task.super_shift) * kPanelRows + first, kLanes);
  if (integers == nullptr) {
    return values;
  }
  std::int32_t four = 0;
  __builtin_memcpy(&four, integers + g * kPanelRows + first, sizeof(four));
  const int16x8_t widened = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
  return vmulq_f32(values, vcvtq_f32_s32(vmovl_s16(vget_low_s16(widened))));
}

/// What walks along R registers of rows (4 each) beside the chunks: activations, scales, sums.
template <int R, int T>
struct Walk {
  const std::int8_t* x;
  std::size_t block;
  std::size_t first_row;
  uint8x16_t table;
  float32x4_t sums[R][T];
};

/// dots += dword kFirst + kAt of a chunk times those of T tokens; x holds those of a quad, dword
/// after dword.
template <class Codes, int R, int T, int kFirst, int kAt, int t>
[[gnu::always_inline]] inline void add_token(const int8x16_t (&levels)[R],
                                             const int8x16_t (&x)[T],
                                             int32x4_t (&dots)[R][T]) noexcept {
  if constexpr (t < T) {
    constexpr int kIndex = kAt * T + t;
    for (int r = 0; r < R; ++r) {
      dots[r][t] = vdotq_laneq_s32(dots[r][t], levels[r], x[kIndex / 4], kIndex % 4);
    }
    add_token<Codes, R, T, kFirst, kAt, t + 1>(levels, x, dots);
  }
}

template <class Codes, int R, int T, int kFirst, int kAt>
[[gnu::always_inline]] inline void add_dwords(const std::uint8_t* rows,
                                              uint8x16_t table,
                                              const int8x16_t (&x)[T],
                                              int32x4_t (&dots)[R][T]) noexcept {
  if constexpr (kAt < kQuad) {
    int8x16_t levels[R];
    for (int r = 0; r < R; ++r) {
      levels[r] = vreinterpretq_s8_u8(Codes::template read<kFirst + kAt>(rows + r * 16, table));
    }
    add_token<Codes, R, T, kFirst, kAt, 0>(levels, x, dots);
    add_dwords<Codes, R, T, kFirst, kAt + 1>(rows, table, x, dots);
  }
}

/// dots += dwords [kFirst, kEnd) of a chunk times those of T tokens, a quad at a time.
template <class Codes, int R, int T, int kFirst, int kEnd>
[[gnu::always_inline]] inline void add_quads(const std::uint8_t* rows,
                                             const Walk<R, T>& walk,
                                             const std::int8_t* x,
                                             int32x4_t (&dots)[R][T]) noexcept {
  if constexpr (kFirst < kEnd) {
    int8x16_t values[T];
    for (int i = 0; i < T; ++i) {
      values[i] = vld1q_s8(x + i * 16);
    }
    add_dwords<Codes, R, T, kFirst, 0>(rows, walk.table, values, dots);
    add_quads<Codes, R, T, kFirst + kQuad, kEnd>(rows, walk, x + T * 16, dots);
  }
}

/// One block: dwords [kFirst, kEnd) of the chunk.
template <class Codes, int R, int T, int kFirst, int kEnd>
[[gnu::always_inline]] inline void add_block(const PanelTask& task,
                                             const std::uint8_t* rows,
                                             Walk<R, T>& walk) noexcept {
  constexpr int kDwords = kEnd - kFirst;
  const std::size_t g = walk.block++ / task.groups.blocks_per_group;
  const auto* inits = reinterpret_cast<const std::int32_t*>(walk.x + kDwords * T * 4);
  const auto* scales = reinterpret_cast<const float*>(inits + T);
  int32x4_t dots[R][T];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      dots[r][t] = vdupq_n_s32(inits[t]);
    }
  }
  add_quads<Codes, R, T, kFirst, kEnd>(rows, walk, walk.x, dots);
  for (int r = 0; r < R; ++r) {
    const std::size_t row = walk.first_row + static_cast<std::size_t>(r) * kLanes;
    const float32x4_t scale = load_scales(task, task.scales, task.integer_scales, g, row);
    for (int t = 0; t < T; ++t) {
      const float32x4_t both = vmulq_n_f32(scale, scales[t]);
      walk.sums[r][t] = vfmaq_f32(walk.sums[r][t], vcvtq_f32_s32(dots[r][t]), both);
    }
    if (task.offsets != nullptr) {
      const float32x4_t offset = load_scales(task, task.offsets, task.integer_offsets, g, row);
      for (int t = 0; t < T; ++t) {
        walk.sums[r][t] = vfmaq_n_f32(walk.sums[r][t], offset, scales[T + t]);
      }
    }
  }
  walk.x += (kDwords + 3) * T * 4;
}

/// Inlined, or the sums would have to lie in memory for it.
template <int R, int T>
[[gnu::always_inline]] inline void write(const PanelTask& task, const Walk<R, T>& walk) noexcept {
  for (std::size_t r = 0; r < R; ++r) {
    const std::size_t first = walk.first_row + r * kLanes;
    if (first >= task.n_rows) {
      return;
    }
    const std::size_t n = task.n_rows - first;
    const float32x4_t factor = vld1q_f32(task.row_factors + first);
    const float32x4_t bias = task.bias != nullptr ? load(task.bias + first, n) : vdupq_n_f32(0.0F);
    for (std::size_t t = 0; t < T && t < task.n_tokens; ++t) {
      store(task.y + t * task.y_stride + first, vfmaq_f32(bias, walk.sums[r][t], factor), n);
    }
  }
}

/// 4 R rows of a panel, from `first` on, times one tile of T tokens; blocks have kDwords dwords.
template <class Codes, int R, int T, int kDwords>
void multiply_rows(const PanelTask& task, std::size_t first) noexcept {
  const auto* rows = reinterpret_cast<const std::uint8_t*>(task.codes) + first * 4;
  Walk<R, T> walk;
  walk.x = reinterpret_cast<const std::int8_t*>(task.x);
  walk.block = 0;
  walk.first_row = first;
  walk.table =
      task.levels == nullptr ? vdupq_n_u8(0) : veorq_u8(vld1q_u8(task.levels), vdupq_n_u8(0x80));
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      walk.sums[r][t] = vdupq_n_f32(0.0F);
    }
  }
  while (walk.block != task.groups.n_blocks) {
    add_block<Codes, R, T, 0, kDwords>(task, rows, walk);
    if constexpr (kDwords == kQuad) {
      if (walk.block == task.groups.n_blocks) {
        break;
      }
      add_block<Codes, R, T, kQuad, 2 * kQuad>(task, rows, walk);
    }
    rows += Codes::kVectors * kVector;
  }
  write(task, walk);
}

template <class Codes, int R, int T>
void multiply_width(const PanelTask& task) noexcept {
  const auto multiply =
      task.groups.block == 32 ? multiply_rows<Codes, R, T, 8> : multiply_rows<Codes, R, T, 4>;
  for (std::size_t first = 0; first < task.n_rows; first += R * kLanes) {
    multiply(task, first);
  }
}

template <class Codes>
void multiply(const PanelTask& task) noexcept {
  switch (task.tile) {
    case 1:
      return multiply_width<Codes, 4, 1>(task);
    case 2:
      return multiply_width<Codes, 4, 2>(task);
    case 4:
      return multiply_width<Codes, 2, 4>(task);
    default:
      return multiply_width<Codes, 2, 6>(task);
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

}  // namespace nibble::kernels::neon
