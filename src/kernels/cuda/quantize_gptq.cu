// GPTQ between its matrix products: the order of inputs, grids, and 128 inputs at a time.
#include "kernels/cuda/grid.cuh"
#include "kernels/cuda/quantize_launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kOwn = kGptqBlock / kWarp;  ///< inputs of a lane: lane, lane + 32, …

__device__ __forceinline__ std::size_t own_index() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ int own_lane() {
  return static_cast<int>(threadIdx.x) % kWarp;
}

__global__ void __launch_bounds__(kThreads) place_kernel(const float* w,
                                                         const std::uint32_t* input_at,
                                                         const std::uint8_t* is_dead,
                                                         float* out,
                                                         int rows,
                                                         int cols) {
  const std::size_t i = own_index();
  if (i < static_cast<std::size_t>(rows) * cols) {
    const std::size_t row = i / cols * cols;
    const std::uint32_t input = input_at[i - row];
    out[i] = is_dead[input] != 0 ? 0.0F : w[row + input];
  }
}

/// One group a warp.
__global__ void __launch_bounds__(kThreads) grids_kernel(const GroupedMatrix m,
                                                         const GridRule rule,
                                                         const float* w,
                                                         const std::uint8_t* is_dead) {
  const std::size_t at = own_index() / kWarp;
  if (at >= static_cast<std::size_t>(m.rows) * m.n_groups) {
    return;
  }
  const int begin = static_cast<int>(at % m.n_groups) * m.group;
  const int end = min(begin + m.group, m.cols);
  const float* const row = w + at / m.n_groups * m.cols;
  RangeOfGroup range;
  for (int c = begin + own_lane(); c < end; c += kWarp) {
    range.take(is_dead[c] != 0 ? 0.0F : row[c]);
  }
  range.join_lanes();
  const GridOfGroup grid = integer_grid(range, rule, m.bits, m.half_parameters);
  if (own_lane() == 0) {
    m.scales[at] = grid.scale;
    m.zeros[at] = grid.zero;
  }
}

/// The grid of the group that starts at place p, from the weights as the block found them.
__device__ GridOfGroup grid_at(const GptqTask& task, const float* row, int p) {
  const std::uint32_t group = task.group_at[p];
  RangeOfGroup range;
  for (int first = p; first < task.out.cols; first += kWarp) {
    const int c = first + own_lane();
    const bool is_in = c < task.out.cols && task.group_at[c] == group;
    if (is_in) {
      range.take(row[c]);
    }
    if (!__all_sync(kAllLanes, is_in)) {
      break;
    }
  }
  range.join_lanes();
  return integer_grid(range, task.rule, task.out.bits, task.out.half_parameters);
}

/// One row a warp: each input in turn, then its error taken from those behind it in the block.
__global__ void __launch_bounds__(kThreads) gptq_kernel(const GptqTask task) {
  const std::size_t r = own_index() / kWarp;
  if (r >= static_cast<std::size_t>(task.out.rows)) {
    return;
  }
  const int lane = own_lane(), cols = task.out.cols;
  const float* const row = task.w + r * cols;
  float* const scales = task.out.scales + r * task.out.n_groups;
  float* const zeros = task.out.zeros + r * task.out.n_groups;
  const auto max_code = static_cast<float>((1 << task.out.bits) - 1);
  float w[kOwn], own_scale[kOwn], own_zero[kOwn], own_code[kOwn], own_error[kOwn];
#pragma unroll
  for (int q = 0; q < kOwn; ++q) {
    const int j = lane + q * kWarp, p = task.begin + j;
    const bool is_in = j < task.size;
    w[q] = is_in ? row[p] : 0.0F;
    own_scale[q] = is_in && task.static_groups ? scales[task.group_at[p]] : 1.0F;
    own_zero[q] = is_in && task.static_groups ? zeros[task.group_at[p]] : 0.0F;
    own_code[q] = own_error[q] = 0.0F;
  }
  GridOfGroup grid{1.0F, 0.0F};
  if (!task.static_groups) {
    const std::uint32_t group = task.group_at[task.begin];
    grid = {scales[group], zeros[group]};  // of a group that goes on, else replaced
  }
#pragma unroll
  for (int q = 0; q < kOwn; ++q) {
#pragma unroll 4
    for (int t = 0; t < kWarp; ++t) {
      const int i = q * kWarp + t, p = task.begin + i;
      if (i >= task.size) {
        break;
      }
      if (task.static_groups) {
        grid.scale = __shfl_sync(kAllLanes, own_scale[q], t);
        grid.zero = __shfl_sync(kAllLanes, own_zero[q], t);
      } else if (p == 0 || task.group_at[p - 1] != task.group_at[p]) {
        grid = grid_at(task, row, p);
        if (lane == 0) {
          scales[task.group_at[p]] = grid.scale;
          zeros[task.group_at[p]] = grid.zero;
        }
      }
      const float* const u = task.u + static_cast<std::size_t>(p) * cols + task.begin;
      const float x = __shfl_sync(kAllLanes, w[q], t);
      const float steps =
          rintf(limited(__fdiv_rn(x, grid.scale), -grid.zero, max_code - grid.zero));
      const float code = __fadd_rn(steps, grid.zero);
      const float value = value_of(code, grid.scale, grid.zero);
      const float error = __fdiv_rn(__fsub_rn(x, value), u[i]);
      if (lane == t) {
        own_code[q] = code;
        own_error[q] = error;
      }
#pragma unroll
      for (int k = q; k < kOwn; ++k) {
        const int j = lane + k * kWarp;
        if (j > i && j < task.size) {
          w[k] = __fsub_rn(w[k], __fmul_rn(error, u[j]));
        }
      }
    }
  }
#pragma unroll
  for (int q = 0; q < kOwn; ++q) {
    const int j = lane + q * kWarp;
    task.errors[r * kGptqBlock + j] = own_error[q];
    if (j < task.size) {
      task.out.codes[r * cols + task.input_at[task.begin + j]] =
          static_cast<std::uint8_t>(own_code[q]);
    }
  }
}

__global__ void __launch_bounds__(kThreads) diagonal_kernel(const float* a, float* out, int n) {
  const std::size_t i = own_index();
  if (i < static_cast<std::size_t>(n)) {
    out[i] = a[i * n + i];
  }
}

__global__ void __launch_bounds__(kThreads) moment_kernel(const MomentTask task) {
  const std::size_t at = own_index();
  const std::size_t n = static_cast<std::size_t>(task.n);
  if (at >= n * n) {
    return;
  }
  const std::size_t i = task.order[n - 1 - at / n], j = task.order[n - 1 - at % n];
  double x = task.moment[i < j ? i * n + j : j * n + i];
  if (i == j) {
    x = (task.is_dead[i] != 0 ? 1.0 : x) + task.damping;
  }
  task.out[at] = x;
}

__global__ void __launch_bounds__(kThreads) reverse_kernel(const double* a, float* u, int n) {
  const std::size_t at = own_index();
  const std::size_t all = static_cast<std::size_t>(n) * n;
  if (at < all) {
    const bool is_upper = at % n >= at / n;
    u[at] = is_upper ? static_cast<float>(a[all - 1 - at]) : 0.0F;
  }
}

unsigned blocks_for(std::size_t n, std::size_t each) {
  return static_cast<unsigned>((n + each - 1) / each);
}
std::size_t square(int n) {
  return static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
}
cudaStream_t as_stream(Stream stream) {
  return static_cast<cudaStream_t>(stream);
}

}  // namespace

void place_columns(const float* w,
                   const std::uint32_t* input_at,
                   const std::uint8_t* is_dead,
                   float* out,
                   int rows,
                   int cols,
                   Stream stream) {
  const std::size_t n = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
  place_kernel<<<blocks_for(n, kThreads), kThreads, 0, as_stream(stream)>>>(
      w, input_at, is_dead, out, rows, cols);
}

void static_grids(const GroupedMatrix& m,
                  GridRule rule,
                  const float* w,
                  const std::uint8_t* is_dead,
                  Stream stream) {
  const std::size_t n = static_cast<std::size_t>(m.rows) * static_cast<std::size_t>(m.n_groups);
  grids_kernel<<<blocks_for(n, kWarps), kThreads, 0, as_stream(stream)>>>(m, rule, w, is_dead);
}

void gptq_block(const GptqTask& task, Stream stream) {
  const auto rows = static_cast<std::size_t>(task.out.rows);
  gptq_kernel<<<blocks_for(rows, kWarps), kThreads, 0, as_stream(stream)>>>(task);
}

void diagonal(const float* moment, float* out, int n, Stream stream) {
  diagonal_kernel<<<blocks_for(static_cast<std::size_t>(n), kThreads),
                    kThreads,
                    0,
                    as_stream(stream)>>>(moment, out, n);
}

void fill_moment(const MomentTask& task, Stream stream) {
  moment_kernel<<<blocks_for(square(task.n), kThreads), kThreads, 0, as_stream(stream)>>>(task);
}

void reverse_factor(const double* a, float* u, int n, Stream stream) {
  reverse_kernel<<<blocks_for(square(n), kThreads), kThreads, 0, as_stream(stream)>>>(a, u, n);
}

}  // namespace nibble::kernels::cuda
