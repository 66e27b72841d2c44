// Float activations: float32 weights, and bfloat16 weights widened in the loop.
#include "kernels/neon/linear.h"
#include "kernels/neon/math.h"

namespace nibble::kernels::neon {
namespace {

/// Columns whose products are summed on their own before they join the total: shorter sums round
/// less. Even, so that no pair is cut.
constexpr std::size_t kSumLength = 256;
constexpr int kRegisters = 4;  ///< that hold the 16 rows of a panel

/// Sums of 16 rows by T tokens.
template <int T>
struct Sums {
  float32x4_t parts[T][kRegisters];

  void clear() noexcept {
    for (int t = 0; t < T; ++t) {
      for (int v = 0; v < kRegisters; ++v) {
        parts[t][v] = vdupq_n_f32(0.0F);
      }
    }
  }
  /// One column of weights with the values x[0 … T) of the tokens.
  void add_column(const float32x4_t (&weights)[kRegisters], const float* x) noexcept {
    for (int t = 0; t < T; ++t) {
      for (int v = 0; v < kRegisters; ++v) {
        parts[t][v] = vfmaq_n_f32(parts[t][v], weights[v], x[t]);
      }
    }
  }
  void add(const Sums& other) noexcept {
    for (int t = 0; t < T; ++t) {
      for (int v = 0; v < kRegisters; ++v) {
        parts[t][v] = vaddq_f32(parts[t][v], other.parts[t][v]);
      }
    }
  }
  void write(const PanelTask& task) const noexcept {
    for (std::size_t v = 0; v * kLanes < task.n_rows; ++v) {
      const std::size_t first = v * kLanes;
      const std::size_t n = task.n_rows - first;
      const float32x4_t bias =
          task.bias != nullptr ? load(task.bias + first, n) : vdupq_n_f32(0.0F);
      for (std::size_t t = 0; t < T && t < task.n_tokens; ++t) {
        store(task.y + t * task.y_stride + first, vaddq_f32(parts[t][v], bias), n);
      }
    }
  }
};

struct F32 {
  static constexpr std::size_t kColumns = 1;  ///< that a step reads
  static constexpr std::size_t kBytes = 64;   ///< of one step
  template <int T>
  static void step(const std::byte* panel, const float* x, Sums<T>& sums) noexcept {
    const auto* values = reinterpret_cast<const float*>(panel);
    float32x4_t weights[kRegisters];
    for (int v = 0; v < kRegisters; ++v) {
      weights[v] = vld1q_f32(values + static_cast<std::size_t>(v) * kLanes);
    }
    sums.add_column(weights, x);
  }
};

/// Pairs of columns; where the last one has no partner, both its weights and activations are zero.
struct Bf16 {
  static constexpr std::size_t kColumns = 2;
  static constexpr std::size_t kBytes = 64;
  template <int T>
  static void step(const std::byte* panel, const float* x, Sums<T>& sums) noexcept {
    const auto* pairs = reinterpret_cast<const std::uint32_t*>(panel);
    float32x4_t first[kRegisters];
    float32x4_t second[kRegisters];
    for (int v = 0; v < kRegisters; ++v) {
      const uint32x4_t both = vld1q_u32(pairs + static_cast<std::size_t>(v) * kLanes);
      first[v] = vreinterpretq_f32_u32(vshlq_n_u32(both, 16));
      second[v] = vreinterpretq_f32_u32(vandq_u32(both, vdupq_n_u32(0xFFFF0000U)));
    }
    sums.add_column(first, x);
    sums.add_column(second, x + T);
  }
};

template <class Weights, int T>
void multiply_width(const PanelTask& task) noexcept {
  const std::byte* panel = task.codes;
  const auto* x = reinterpret_cast<const float*>(task.x);
  Sums<T> totals;
  totals.clear();
  for (std::size_t first = 0; first < task.cols; first += kSumLength) {
    const std::size_t left = task.cols - first;
    const std::size_t n = left < kSumLength ? left : kSumLength;
    Sums<T> sums;
    sums.clear();
    for (std::size_t c = 0; c < n; c += Weights::kColumns) {
      Weights::template step<T>(panel, x, sums);
      panel += Weights::kBytes;
      x += Weights::kColumns * T;
    }
    totals.add(sums);
  }
  totals.write(task);
}

template <class Weights>
void multiply(const PanelTask& task) noexcept {
  switch (task.tile) {
    case 1:
      return multiply_width<Weights, 1>(task);
    case 2:
      return multiply_width<Weights, 2>(task);
    case 4:
      return multiply_width<Weights, 4>(task);
    default:
      return multiply_width<Weights, 6>(task);
  }
}

}  // namespace

void multiply_f32(const PanelTask& task) noexcept {
  multiply<F32>(task);
}
void multiply_bf16(const PanelTask& task) noexcept {
  multiply<Bf16>(task);
}

}  // namespace nibble::kernels::neon
