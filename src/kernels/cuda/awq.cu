// What AWQ's searches do between their matrix products; the table of awq.h.
#include "kernels/cuda/awq.h"
#include "kernels/cuda/grid.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
/// Columns of a block that sums over rows: two for each lane of a warp.
constexpr int kSumColumns = 2 * kWarp;

unsigned blocks_of(std::size_t n, std::size_t each) {
  return static_cast<unsigned>((n + each - 1) / each);
}
std::size_t size_of(int rows, int cols) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
}
cudaStream_t queue_of(Stream stream) {
  return static_cast<cudaStream_t>(stream);
}

__device__ __forceinline__ std::size_t thread_index() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ int lane_index() {
  return static_cast<int>(threadIdx.x) % kWarp;
}

__global__ void __launch_bounds__(kThreads) multiply_columns_kernel(
    const float* w, const float* factors, float* y, std::size_t n, int cols) {
  const std::size_t i = thread_index();
  if (i < n) {
    y[i] = __fmul_rn(w[i], factors[i % cols]);
  }
}

__global__ void __launch_bounds__(kThreads)
    divide_rows_kernel(float* w, const float* factors, std::size_t n, int cols) {
  const std::size_t i = thread_index();
  if (i < n) {
    w[i] = __fdiv_rn(w[i], factors[i / cols]);
  }
}

__global__ void __launch_bounds__(kThreads)
    subtract_from_kernel(const float* x, float* y, std::size_t n) {
  const std::size_t i = thread_index();
  if (i < n) {
    y[i] = __fsub_rn(x[i], y[i]);
  }
}

/// A warp's group of neighbours.
struct OwnGroup {
  std::size_t at;     ///< among the parameters
  std::size_t first;  ///< among the weights
  int begin, size;    ///< columns
};

/// False where the warp has none.
__device__ __forceinline__ bool find_group(const GroupedMatrix& m, OwnGroup& out) {
  out.at = thread_index() / kWarp;
  if (out.at >= static_cast<std::size_t>(m.rows) * m.n_groups) {
    return false;
  }
  out.begin = static_cast<int>(out.at % m.n_groups) * m.group;
  out.first = out.at / m.n_groups * m.cols + out.begin;
  out.size = min(m.group, m.cols - out.begin);
  return true;
}

/// Steps from the zero point to the nearest value of the grid.
__device__ __forceinline__ float nearest_steps(float w, GridOfGroup grid, float max_code) {
  return rintf(limited(__fdiv_rn(w, grid.scale), -grid.zero, __fsub_rn(max_code, grid.zero)));
}

__global__ void __launch_bounds__(kThreads) round_kernel(const RoundTask task) {
  OwnGroup g;
  if (!find_group(task.groups, g)) {
    return;
  }
  const float* const w = task.w + g.first;
  const float* const s = task.factors == nullptr ? nullptr : task.factors + g.begin;
  RangeOfGroup range;
  for (int i = lane_index(); i < g.size; i += kWarp) {
    range.take(s == nullptr ? w[i] : __fmul_rn(w[i], s[i]));
  }
  range.join_lanes();
  const GridOfGroup grid =
      integer_grid(range, task.rule, task.groups.bits, task.groups.half_parameters);
  const auto max_code = static_cast<float>((1 << task.groups.bits) - 1);
  for (int i = lane_index(); i < g.size; i += kWarp) {
    const float x = s == nullptr ? w[i] : __fmul_rn(w[i], s[i]);
    const float value = __fmul_rn(nearest_steps(x, grid, max_code), grid.scale);
    task.y[g.first + i] = s == nullptr ? value : __fdiv_rn(value, s[i]);
  }
}

__global__ void __launch_bounds__(kThreads)
    nearest_kernel(const GroupedMatrix m, const GridRule rule, const float* all) {
  OwnGroup g;
  if (!find_group(m, g)) {
    return;
  }
  const float* const w = all + g.first;
  RangeOfGroup range;
  for (int i = lane_index(); i < g.size; i += kWarp) {
    range.take(w[i]);
  }
  range.join_lanes();
  const GridOfGroup grid = integer_grid(range, rule, m.bits, m.half_parameters);
  const auto max_code = static_cast<float>((1 << m.bits) - 1);
  for (int i = lane_index(); i < g.size; i += kWarp) {
    m.codes[g.first + i] =
        static_cast<std::uint8_t>(__fadd_rn(nearest_steps(w[i], grid, max_code), grid.zero));
  }
  if (lane_index() == 0) {
    m.scales[g.at] = grid.scale;
    m.zeros[g.at] = grid.zero;
  }
}

__device__ __forceinline__ float widest_of(const float* w, int size) {
  RangeOfGroup range;
  for (int i = lane_index(); i < size; i += kWarp) {
    range.take(fabsf(w[i]));
  }
  range.join_lanes();
  return range.high;
}

__global__ void __launch_bounds__(kThreads)
    widest_kernel(const GroupedMatrix m, const float* w, float* widest) {
  OwnGroup g;
  if (!find_group(m, g)) {
    return;
  }
  const float most = widest_of(w + g.first, g.size);
  if (lane_index() == 0) {
    widest[g.at] = most;
  }
}

/// sums[c] += value(row, c) over the rows, for the block's columns: warps take turns with rows.
template <class F>
__device__ void add_columns(int rows, int cols, double* sums, const F& value) {
  __shared__ double parts[kWarps][kSumColumns];
  const int first = static_cast<int>(blockIdx.x) * kSumColumns;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int own = half * kWarp + lane_index(), c = first + own;
    double sum = 0;
#pragma unroll 8
    for (int r = warp; c < cols && r < rows; r += kWarps) {
      sum += static_cast<double>(value(r, c));
    }
    parts[warp][own] = sum;
  }
  __syncthreads();
  const int own = static_cast<int>(threadIdx.x);
  if (own < kSumColumns && first + own < cols) {
    double sum = 0;
    for (int i = 0; i < kWarps; ++i) {
      sum += parts[i][own];
    }
    sums[first + own] += sum;
  }
}

__global__ void __launch_bounds__(kThreads)
    sizes_kernel(const __half* x, int n_tokens, int cols, double* sums) {
  add_columns(n_tokens, cols, sums, [&](int t, int c) {
    return fabsf(__half2float(x[static_cast<std::size_t>(t) * cols + c]));
  });
}

__global__ void __launch_bounds__(kThreads) relative_sizes_kernel(const GroupedMatrix m,
                                                                  const float* w,
                                                                  const float* widest,
                                                                  double* sums) {
  add_columns(m.rows, m.cols, sums, [&](int r, int c) {
    const float most = widest[static_cast<std::size_t>(r) * m.n_groups + c / m.group];
    return __fdiv_rn(fabsf(w[static_cast<std::size_t>(r) * m.cols + c]), __fadd_rn(most, 1e-6F));
  });
}

template <bool kIsDistance>
__global__ void __launch_bounds__(kThreads) pair_kernel(const PairTask task) {
  double sum = 0;
  for (int r = static_cast<int>(blockIdx.x); r < task.rows; r += kPairParts) {
    const float* const a = task.a + static_cast<std::size_t>(r) * task.a_stride;
    const float* const b = task.b + static_cast<std::size_t>(r) * task.b_stride;
    for (int c = static_cast<int>(threadIdx.x); c < task.cols; c += kThreads) {
      const auto x = static_cast<double>(a[c]), y = static_cast<double>(b[c]);
      sum += kIsDistance ? (x - y) * (x - y) : x * y;
    }
  }
  sum = sum_of_threads<kThreads>(sum);
  if (threadIdx.x == 0) {
    task.parts[blockIdx.x] = sum;
  }
}

__global__ void __launch_bounds__(kThreads) join_pairs_kernel(const double* parts, double* total) {
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < kPairParts; i += kThreads) {
    sum += parts[i];
  }
  sum = sum_of_threads<kThreads>(sum);
  if (threadIdx.x == 0) {
    *total += sum;
  }
}

__global__ void __launch_bounds__(kThreads)
    clip_differences_kernel(const ClipTask task, const float share) {
  OwnGroup g;
  if (!find_group(task.groups, g)) {
    return;
  }
  const float* const w = task.w + g.first;
  const float limit = __fmul_rn(widest_of(w, g.size), share);
  RangeOfGroup range;
  for (int i = lane_index(); i < g.size; i += kWarp) {
    range.take(limited(w[i], -limit, limit));
  }
  range.join_lanes();
  const GridOfGroup grid =
      integer_grid(range, task.rule, task.groups.bits, task.groups.half_parameters);
  const auto max_code = static_cast<float>((1 << task.groups.bits) - 1);
  for (int i = lane_index(); i < g.size; i += kWarp) {
    const float steps = nearest_steps(limited(w[i], -limit, limit), grid, max_code);
    task.differences[g.first + i] = __fsub_rn(__fmul_rn(steps, grid.scale), w[i]);
  }
  if (lane_index() == 0) {
    task.tried[g.at] = limit;
  }
}

__global__ void __launch_bounds__(kThreads)
    clip_judge_kernel(const ClipTask task, const bool is_first) {
  OwnGroup g;
  if (!find_group(task.groups, g)) {
    return;
  }
  double error = 0;
  for (int i = lane_index(); i < g.size; i += kWarp) {
    error += static_cast<double>(task.differences[g.first + i]) *
             static_cast<double>(task.products[g.first + i]);
  }
  error = sum_of_lanes(error);
  if (lane_index() == 0 && (is_first || error < task.least[g.at])) {
    task.least[g.at] = error;
    task.limits[g.at] = task.tried[g.at];
  }
}

__global__ void __launch_bounds__(kThreads)
    clip_kernel(const GroupedMatrix m, const float* limits, float* w) {
  OwnGroup g;
  if (!find_group(m, g)) {
    return;
  }
  const float limit = limits[g.at];
  for (int i = lane_index(); i < g.size; i += kWarp) {
    w[g.first + i] = limited(w[g.first + i], -limit, limit);
  }
}

__global__ void __launch_bounds__(kThreads) mirror_kernel(float* a, int n) {
  const std::size_t i = thread_index();
  const auto r = static_cast<int>(i / n), c = static_cast<int>(i % n);
  if (r < n && c < r) {
    a[i] = a[static_cast<std::size_t>(c) * n + r];
  }
}

/// Launches with one warp a group.
template <class... Parameters, class... Arguments>
void launch_groups(void (*kernel)(Parameters...),
                   const GroupedMatrix& m,
                   Stream stream,
                   Arguments... arguments) {
  const unsigned blocks = blocks_of(size_of(m.rows, m.n_groups), kWarps);
  kernel<<<blocks, kThreads, 0, queue_of(stream)>>>(arguments...);
}

void multiply_columns(
    const float* w, const float* factors, float* y, int rows, int cols, Stream stream) {
  const std::size_t n = size_of(rows, cols);
  multiply_columns_kernel<<<blocks_of(n, kThreads), kThreads, 0, queue_of(stream)>>>(
      w, factors, y, n, cols);
}

void divide_rows(float* w, const float* factors, int rows, int cols, Stream stream) {
  const std::size_t n = size_of(rows, cols);
  divide_rows_kernel<<<blocks_of(n, kThreads), kThreads, 0, queue_of(stream)>>>(
      w, factors, n, cols);
}

void round(const RoundTask& task, Stream stream) {
  launch_groups(&round_kernel, task.groups, stream, task);
}

void nearest(const GroupedMatrix& out, GridRule rule, const float* w, Stream stream) {
  launch_groups(&nearest_kernel, out, stream, out, rule, w);
}

void subtract_from(const float* x, float* y, std::size_t n, Stream stream) {
  subtract_from_kernel<<<blocks_of(n, kThreads), kThreads, 0, queue_of(stream)>>>(x, y, n);
}

void add_sizes(const void* x, int n_tokens, int cols, double* sums, Stream stream) {
  const unsigned blocks = blocks_of(static_cast<std::size_t>(cols), kSumColumns);
  sizes_kernel<<<blocks, kThreads, 0, queue_of(stream)>>>(
      static_cast<const __half*>(x), n_tokens, cols, sums);
}

void add_relative_sizes(
    const GroupedMatrix& groups, const float* w, float* widest, double* sums, Stream stream) {
  launch_groups(&widest_kernel, groups, stream, groups, w, widest);
  const unsigned blocks = blocks_of(static_cast<std::size_t>(groups.cols), kSumColumns);
  relative_sizes_kernel<<<blocks, kThreads, 0, queue_of(stream)>>>(groups, w, widest, sums);
}

void add_squared_distance(const PairTask& task, Stream stream) {
  pair_kernel<true><<<kPairParts, kThreads, 0, queue_of(stream)>>>(task);
  join_pairs_kernel<<<1, kThreads, 0, queue_of(stream)>>>(task.parts, task.sum);
}

void add_dot(const PairTask& task, Stream stream) {
  pair_kernel<false><<<kPairParts, kThreads, 0, queue_of(stream)>>>(task);
  join_pairs_kernel<<<1, kThreads, 0, queue_of(stream)>>>(task.parts, task.sum);
}

void clip_differences(const ClipTask& task, float share, Stream stream) {
  launch_groups(&clip_differences_kernel, task.groups, stream, task, share);
}

void clip_judge(const ClipTask& task, bool is_first, Stream stream) {
  launch_groups(&clip_judge_kernel, task.groups, stream, task, is_first);
}

void clip(const GroupedMatrix& groups, const float* limits, float* w, Stream stream) {
  launch_groups(&clip_kernel, groups, stream, groups, limits, w);
}

void mirror(float* a, int n, Stream stream) {
  mirror_kernel<<<blocks_of(size_of(n, n), kThreads), kThreads, 0, queue_of(stream)>>>(a, n);
}

}  // namespace

const AwqKernels* awq_kernels() noexcept {
  static constexpr AwqKernels kTable = {.multiply_columns = &multiply_columns,
                                        .divide_rows = &divide_rows,
                                        .round = &round,
                                        .nearest = &nearest,
                                        .subtract_from = &subtract_from,
                                        .add_sizes = &add_sizes,
                                        .add_relative_sizes = &add_relative_sizes,
                                        .add_squared_distance = &add_squared_distance,
                                        .add_dot = &add_dot,
                                        .clip_differences = &clip_differences,
                                        .clip_judge = &clip_judge,
                                        .clip = &clip,
                                        .mirror = &mirror};
  return &kTable;
}

}  // namespace nibble::kernels::cuda
