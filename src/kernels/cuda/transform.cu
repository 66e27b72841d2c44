// Hadamard transforms and rounding of rows of activations, a block a row, which lies in shared
// memory as floats. Sums have the order of the host's (kernels/hadamard_rows.h).
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kMostThreads = 1024;
/// Columns that a thread holds while a transform's last step overwrites the row.
constexpr int kMostOwn = 32;
constexpr int kMostCols = kMostThreads * kMostOwn;

/// Pairs `stride` apart become their sum and their difference.
__device__ void butterflies(const TransformTask& task, float* row) {
  for (int stride = task.run; stride < task.block; stride *= 2) {
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < task.n_cols / 2;
         i += static_cast<int>(blockDim.x)) {
      const int low = i / stride * 2 * stride + i % stride;
      const float a = row[low], b = row[low + stride];
      row[low] = a + b;
      row[low + stride] = a - b;
    }
  }
  __syncthreads();
}

/// One column times a row of the matrix of signs.
__device__ float mixed(const TransformTask& task, const float* row, int column) {
  const int r = column % task.n / task.block;
  const float* const from = row + column / task.n * task.n + column % task.block;
  if (task.base == 1) {
    return from[0] * task.scale;
  }
  const float* const signs = task.signs + r * task.base;
  float sum = 0.0F;
  for (int k = 0; k < task.base; ++k) {
    sum += __ldg(signs + k) * from[k * task.block];
  }
  return sum * task.scale;
}

__device__ void transform(const TransformTask& task, float* row) {
  butterflies(task, row);
  float own[kMostOwn];
#pragma unroll
  for (int i = 0; i < kMostOwn; ++i) {
    const int column = i * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x);
    own[i] = column < task.n_cols ? mixed(task, row, column) : 0.0F;
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kMostOwn; ++i) {
    const int column = i * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x);
    if (column < task.n_cols) {
      row[column] = own[i];
    }
  }
}

/// The largest magnitude below the limit, in every thread.
__device__ float top_of_row(const float* row, int n_cols, float limit) {
  __shared__ float tops[kMostThreads / kWarp];
  float top = 0.0F;
  for (int i = static_cast<int>(threadIdx.x); i < n_cols; i += static_cast<int>(blockDim.x)) {
    const float size = fabsf(row[i]);
    top = size < limit ? fmaxf(top, size) : top;
  }
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    top = fmaxf(top, __shfl_xor_sync(0xFFFFFFFFU, top, step));
  }
  if (threadIdx.x % kWarp == 0) {
    tops[threadIdx.x / kWarp] = top;
  }
  __syncthreads();
  for (int i = 0; i < static_cast<int>(blockDim.x) / kWarp; ++i) {
    top = fmaxf(top, tops[i]);
  }
  return top;
}

__device__ void round_row(const TransformTask& task, float* row) {
  const float limit = task.outliers > 0.0F ? task.outliers : INFINITY;
  const auto most = static_cast<float>((1 << (task.bits - 1)) - 1);
  const float scale = __fdiv_rn(__fmul_rn(task.clip, top_of_row(row, task.n_cols, limit)), most);
  if (!(scale > 0.0F)) {
    return;
  }
  for (int i = static_cast<int>(threadIdx.x); i < task.n_cols; i += static_cast<int>(blockDim.x)) {
    const float x = row[i];
    const float code = rintf(fminf(fmaxf(__fdiv_rn(x, scale), -most - 1.0F), most));
    row[i] = fabsf(x) < limit ? scale * code : x;
  }
}

/// Grid: rows.
__global__ void __launch_bounds__(kMostThreads) transform_kernel(const TransformTask task) {
  extern __shared__ float row[];
  follow_earlier_kernels();
  __half* const x =
      static_cast<__half*>(task.x) + static_cast<std::size_t>(blockIdx.x) * task.stride;
  const int thread = static_cast<int>(threadIdx.x), n_threads = static_cast<int>(blockDim.x);
  for (int i = thread; i < task.n_cols; i += n_threads) {
    row[i] = __half2float(x[i]);
  }
  if (task.n > 0) {
    transform(task, row);
  }
  __syncthreads();
  if (task.bits > 0) {
    round_row(task, row);
  }
  for (int i = thread; i < task.n_cols; i += n_threads) {  // those that this thread has rounded
    x[i] = limited_half(row[i]);
  }
}

}  // namespace

int most_transformed() {
  constexpr int kStatic = 1024;  // bytes of shared memory beside the row
  const int fits = (device_limits.block_bytes - kStatic) / static_cast<int>(sizeof(float));
  return fits < kMostCols ? fits : kMostCols;
}

void transform_rows(const TransformTask& task, Stream stream) {
  static const bool is_set = cudaFuncSetAttribute(transform_kernel,
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  device_limits.block_bytes - 1024) == cudaSuccess;
  static_cast<void>(is_set);
  // As many threads as have eight columns each, of wide rows more.
  const int eighth = (task.n_cols / 8 + kWarp - 1) / kWarp * kWarp;
  const int n_threads = eighth < 128 ? 128 : eighth > kMostThreads ? kMostThreads : eighth;
  launch(transform_kernel,
         dim3(static_cast<unsigned>(task.n_rows)),
         n_threads,
         static_cast<std::size_t>(task.n_cols) * sizeof(float),
         stream,
         task);
}

}  // namespace nibble::kernels::cuda
