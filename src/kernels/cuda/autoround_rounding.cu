// Offsets and factors of a matrix, a step at a time; one group a warp.
#include "kernels/cuda/autoround_launches.cuh"
#include "kernels/cuda/grid.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr float kSmallestScale = 1e-5F;

/// A group's grid: codes around zero from low to high.
struct Levels {
  float scale, zero, low, high;
  bool is_floored;
};

/// The ends of the group's range.
struct Ends {
  float low, high;
};

struct Factors {
  float low, high;
};

/// RoundingTuner::grid_of
__device__ Levels levels_of(const RoundingTask& task, Ends ends, Factors factors) {
  const bool is_half = task.best.half_parameters;
  const float smallest = stored_parameter(kSmallestScale, is_half);
  const auto max_code = static_cast<float>((1 << task.best.bits) - 1);
  const float low = __fmul_rn(ends.low, factors.low), high = __fmul_rn(ends.high, factors.high);
  Levels out;
  if (task.is_symmetric) {
    out.zero = static_cast<float>(1 << (task.best.bits - 1));
    const float wide = high < -low ? -low : -high;
    const float scale = stored_parameter(__fdiv_rn(wide, out.zero), is_half);
    out.is_floored = fabsf(scale) < kSmallestScale;
    out.scale = out.is_floored ? (scale < 0.0F ? -smallest : smallest) : scale;
  } else {
    const float scale = stored_parameter(__fdiv_rn(__fsub_rn(high, low), max_code), is_half);
    out.is_floored = scale < kSmallestScale;
    out.scale = out.is_floored ? smallest : scale;
    out.zero = nearest_code(__fdiv_rn(-low, out.scale), max_code);
  }
  out.low = -out.zero;
  out.high = max_code - out.zero;
  return out;
}

/// The nearest level, or one beyond the ends; never -0, which rintf makes of -0.3.
__device__ __forceinline__ float level_of(float steps, float offset, const Levels& levels) {
  return __fadd_rn(rintf(limited(__fadd_rn(steps, offset), levels.low - 1.0F, levels.high + 1.0F)),
                   0.0F);
}
__device__ __forceinline__ float bounded(float level, const Levels& levels) {
  return limited(level, levels.low, levels.high);
}

__device__ __forceinline__ float sign_of(float x) {
  return static_cast<float>(static_cast<int>(x > 0.0F) - static_cast<int>(x < 0.0F));
}

__device__ __forceinline__ float sum_of_warp(float x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x = __fadd_rn(x, __shfl_xor_sync(kAllLanes, x, step));
  }
  return x;
}

/// Sums over a group of the gradient times what moves a decoded weight.
struct Slopes {
  float scale, beyond;
};

/// RoundingTuner::slopes_of
__device__ Factors slopes_of(
    const RoundingTask& task, Ends ends, Factors factors, const Levels& levels, Slopes slopes) {
  const float low = __fmul_rn(ends.low, factors.low);
  if (task.is_symmetric) {
    if (levels.is_floored) {
      return {0.0F, 0.0F};
    }
    const bool is_low_wider = __fmul_rn(ends.high, factors.high) < -low;
    const float slope =
        __fdiv_rn(__fmul_rn(-slopes.scale, is_low_wider ? ends.low : ends.high), levels.zero);
    return is_low_wider ? Factors{slope, 0.0F} : Factors{0.0F, slope};
  }
  const float d_zero = __fmul_rn(-levels.scale, slopes.beyond);
  const float square = __fmul_rn(levels.scale, levels.scale);
  const float d_scale =
      levels.is_floored ? 0.0F : __fadd_rn(slopes.scale, __fdiv_rn(__fmul_rn(d_zero, low), square));
  const float d_range = __fdiv_rn(d_scale, static_cast<float>((1 << task.best.bits) - 1));
  return {__fmul_rn(__fsub_rn(-d_range, __fdiv_rn(d_zero, levels.scale)), ends.low),
          __fmul_rn(d_range, ends.high)};
}

/// One group: where its weights and its parameters lie.
struct Group {
  const float* w;
  const float* gradient;  ///< or nullptr
  float* offsets;
  __half* decoded;
  std::uint8_t* codes;
  std::size_t at;
  int size;
};

__device__ Group group_at(const RoundingTask& task, std::size_t at) {
  const GroupedMatrix& m = task.best;
  const int row = static_cast<int>(at / m.n_groups);
  const int begin = static_cast<int>(at % m.n_groups) * m.group;
  const int place =
      task.first + (task.turn == 0 ? row : row / task.turn * 2 * task.turn + row % task.turn);
  const std::size_t from = static_cast<std::size_t>(row) * m.cols + begin;
  const std::size_t to = static_cast<std::size_t>(place) * m.cols + begin;
  return {task.w + from,
          task.gradient == nullptr ? nullptr : task.gradient + to,
          task.offsets + from,
          task.decoded == nullptr ? nullptr : static_cast<__half*>(task.decoded) + to,
          m.codes + from,
          at,
          min(m.group, m.cols - begin)};
}

__device__ Ends ends_of(const Group& g, int lane) {
  RangeOfGroup range;
  for (int i = lane; i < g.size; i += kWarp) {
    range.take(g.w[i]);
  }
  range.join_lanes();
  return {fminf(range.low, 0.0F), fmaxf(range.high, 0.0F)};
}

__device__ void keep(const RoundingTask& task, const Group& g, const Levels& levels, int lane) {
  for (int i = lane; i < g.size; i += kWarp) {
    const float level = level_of(__fdiv_rn(g.w[i], levels.scale), g.offsets[i], levels);
    g.codes[i] = static_cast<std::uint8_t>(bounded(level, levels) + levels.zero);
  }
  if (lane == 0) {
    task.best.scales[g.at] = levels.scale;
    task.best.zeros[g.at] = levels.zero;
  }
}

/// The offsets move; what moves the range is summed.
__device__ Slopes move(const RoundingTask& task, const Group& g, const Levels& levels, int lane) {
  const float size = levels.scale < 0.0F ? -task.rounding : task.rounding;
  Slopes sums{0.0F, 0.0F};
#pragma unroll 4
  for (int i = lane; i < g.size; i += kWarp) {
    const float d = g.gradient[i], offset = g.offsets[i];
    const float steps = __fdiv_rn(g.w[i], levels.scale);
    const float level = level_of(steps, offset, levels);
    const float q = bounded(level, levels);
    const bool is_inside = level == q;
    sums.scale = __fadd_rn(sums.scale, __fmul_rn(d, is_inside ? __fsub_rn(q, steps) : q));
    sums.beyond = __fadd_rn(sums.beyond, is_inside ? 0.0F : d);
    const float moved = __fsub_rn(offset, __fmul_rn(size, sign_of(d)));
    g.offsets[i] = is_inside ? limited(moved, -0.5F, 0.5F) : offset;
  }
  return {sum_of_warp(sums.scale), sum_of_warp(sums.beyond)};
}

__device__ Factors moved(Factors factors, Factors slope, float size) {
  return {limited(__fsub_rn(factors.low, __fmul_rn(size, sign_of(slope.low))), 0.0F, 1.0F),
          limited(__fsub_rn(factors.high, __fmul_rn(size, sign_of(slope.high))), 0.0F, 1.0F)};
}

__global__ void __launch_bounds__(kThreads) round_step_kernel(const RoundingTask task) {
  const std::size_t at = (static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  if (at >= static_cast<std::size_t>(task.best.rows) * task.best.n_groups) {
    return;
  }
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const Group g = group_at(task, at);
  const Ends ends = ends_of(g, lane);
  Factors factors{task.low_factors[at], task.high_factors[at]};
  Levels levels = levels_of(task, ends, factors);
  if (task.keeps) {
    keep(task, g, levels, lane);
  }
  if (g.gradient != nullptr) {
    const Slopes slopes = move(task, g, levels, lane);
    if (task.range > 0.0F) {
      factors = moved(factors, slopes_of(task, ends, factors, levels, slopes), task.range);
      levels = levels_of(task, ends, factors);
      __syncwarp();
      if (lane == 0) {
        task.low_factors[at] = factors.low;
        task.high_factors[at] = factors.high;
      }
    }
  }
  for (int i = lane; g.decoded != nullptr && i < g.size; i += kWarp) {
    const float level = level_of(__fdiv_rn(g.w[i], levels.scale), g.offsets[i], levels);
    g.decoded[i] = limited_half(__fmul_rn(levels.scale, bounded(level, levels)));
  }
}

}  // namespace

void round_step(const RoundingTask& task, Stream stream) {
  const std::size_t n_groups =
      static_cast<std::size_t>(task.best.rows) * static_cast<std::size_t>(task.best.n_groups);
  round_step_kernel<<<static_cast<unsigned>((n_groups + kWarps - 1) / kWarps),
                      kThreads,
                      0,
                      static_cast<cudaStream_t>(stream)>>>(task);
}

}  // namespace nibble::kernels::cuda
