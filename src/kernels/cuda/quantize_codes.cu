// Matrices on their way to codes and back: conversions, errors, bit streams, and HQQ.
#include <cuda_bf16.h>

#include "kernels/cuda/grid.cuh"
#include "kernels/cuda/quantize_launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;

unsigned blocks_for(std::size_t n, std::size_t each) {
  return static_cast<unsigned>((n + each - 1) / each);
}

__device__ __forceinline__ std::size_t own_index() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

template <class T>
__global__ void __launch_bounds__(kThreads) widen_kernel(const T* x, float* y, std::size_t n) {
  const std::size_t i = own_index();
  if (i < n) {
    y[i] = static_cast<float>(x[i]);
  }
}

__global__ void __launch_bounds__(kThreads)
    finite_kernel(const float* x, std::size_t n, unsigned long long* at) {
  const std::size_t i = own_index();
  if (i < n && !isfinite(x[i])) {
    atomicMin(at, static_cast<unsigned long long>(i));
  }
}

__global__ void __launch_bounds__(kThreads)
    narrow_kernel(const float* x, __half* y, int rows, int cols, int first, int turn) {
  const std::size_t i = own_index();
  if (i >= static_cast<std::size_t>(rows) * cols) {
    return;
  }
  const int r = static_cast<int>(i / cols), c = static_cast<int>(i % cols);
  const int to = first + (turn == 0 ? r : r / turn * 2 * turn + r % turn);
  y[static_cast<std::size_t>(to) * cols + c] = limited_half(x[i]);
}

__device__ __forceinline__ float decoded(const GroupedMatrix& m, std::size_t i) {
  const std::size_t r = i / m.cols;
  const std::size_t at = r * m.n_groups + group_of(m, static_cast<int>(i % m.cols));
  return value_of(static_cast<float>(m.codes[i]), m.scales[at], m.zeros[at]);
}

__global__ void __launch_bounds__(kThreads) decode_kernel(const GroupedMatrix m, float* y) {
  const std::size_t i = own_index();
  if (i < static_cast<std::size_t>(m.rows) * m.cols) {
    y[i] = decoded(m, i);
  }
}

/// Pairs of sums of a block, in an order that depends on the shape alone.
__device__ void store_pair(double difference, double weight, double* out) {
  __shared__ double parts[2][kWarps];
  difference = sum_of_lanes(difference);
  weight = sum_of_lanes(weight);
  if (threadIdx.x % kWarp == 0) {
    parts[0][threadIdx.x / kWarp] = difference;
    parts[1][threadIdx.x / kWarp] = weight;
  }
  __syncthreads();
  if (threadIdx.x < 2) {
    double sum = 0;
    for (int i = 0; i < kWarps; ++i) {
      sum += parts[threadIdx.x][i];
    }
    out[threadIdx.x] = sum;
  }
}

__global__ void __launch_bounds__(kThreads)
    error_kernel(const GroupedMatrix m, const float* w, double* parts) {
  const std::size_t n = static_cast<std::size_t>(m.rows) * m.cols;
  double difference = 0, weight = 0;
  for (std::size_t i = own_index(); i < n; i += static_cast<std::size_t>(kErrorParts) * kThreads) {
    const double d = static_cast<double>(w[i]) - static_cast<double>(decoded(m, i));
    difference += d * d;
    weight += static_cast<double>(w[i]) * static_cast<double>(w[i]);
  }
  store_pair(difference, weight, parts + 2 * blockIdx.x);
}

__global__ void __launch_bounds__(kThreads) sum_pairs_kernel(const double* parts, double* sums) {
  double difference = 0, weight = 0;
  for (int i = static_cast<int>(threadIdx.x); i < kErrorParts; i += kThreads) {
    difference += parts[2 * i];
    weight += parts[2 * i + 1];
  }
  store_pair(difference, weight, sums);
}

/// Eight codes are `bits` whole bytes; the last ones of a row may be fewer.
__global__ void __launch_bounds__(kThreads) pack_kernel(const GroupedMatrix m,
                                                        const std::uint32_t* input_at,
                                                        std::uint8_t* out,
                                                        std::size_t row_bytes) {
  const int n_eights = (m.cols + 7) / 8;
  const std::size_t i = own_index();
  if (i >= static_cast<std::size_t>(m.rows) * n_eights) {
    return;
  }
  const std::size_t r = i / n_eights;
  const int first = static_cast<int>(i % n_eights) * 8;
  const std::uint8_t* const codes = m.codes + r * m.cols;
  std::uint64_t stream = 0;
  for (int k = 0; k < 8 && first + k < m.cols; ++k) {
    const std::uint32_t at =
        input_at == nullptr ? static_cast<std::uint32_t>(first + k) : input_at[first + k];
    stream |= static_cast<std::uint64_t>(codes[at]) << (k * m.bits);
  }
  const std::size_t from = static_cast<std::size_t>(first / 8) * m.bits;
  for (int b = 0; b < m.bits && from + b < row_bytes; ++b) {
    out[r * row_bytes + from + b] = static_cast<std::uint8_t>(stream >> (8 * b));
  }
}

__global__ void __launch_bounds__(kThreads)
    bytes_of_kernel(const float* x, std::uint8_t* y, std::size_t n) {
  const std::size_t i = own_index();
  if (i < n) {
    y[i] = static_cast<std::uint8_t>(x[i]);
  }
}

/// A warp's group: the weights and where its parameters lie.
struct WarpGroup {
  const float* weights;
  std::size_t at;  ///< of the parameters
  std::size_t first;
  int size;
};

/// False where the warp has none.
__device__ __forceinline__ bool own_group(const GroupedMatrix& m, const float* w, WarpGroup& out) {
  out.at = own_index() / kWarp;
  if (out.at >= static_cast<std::size_t>(m.rows) * m.n_groups) {
    return false;
  }
  const int begin = static_cast<int>(out.at % m.n_groups) * m.group;
  out.first = out.at / m.n_groups * m.cols + begin;
  out.weights = w + out.first;
  out.size = min(m.group, m.cols - begin);
  return true;
}

__device__ __forceinline__ int lane() {
  return static_cast<int>(threadIdx.x) % kWarp;
}

__global__ void __launch_bounds__(kThreads) hqq_start_kernel(const HqqTask task) {
  WarpGroup g;
  if (!own_group(task.out, task.w, g)) {
    return;
  }
  RangeOfGroup range;
  for (int i = lane(); i < g.size; i += kWarp) {
    range.take(g.weights[i]);
  }
  range.join_lanes();
  const auto max_code = static_cast<float>((1 << task.out.bits) - 1);
  const float span = __fsub_rn(range.high, range.low);
  float inverse = span <= 1e-4F ? 1.0F : fminf(__fmul_rn(__fdiv_rn(1.0F, span), max_code), 2e4F);
  const float zero = __fmul_rn(-range.low, inverse);
  if (task.out.half_parameters) {
    inverse = __fdiv_rn(1.0F, stored_parameter(__fdiv_rn(1.0F, inverse), true));
  }
  if (lane() == 0) {
    task.inverses[g.at] = inverse;
    task.out.zeros[g.at] = task.round_zero ? rintf(zero) : zero;
  }
}

/// sign(x) * max(|x| - |x|^exponent / beta, 0)
__device__ __forceinline__ float shrink(float x, const HqqTask& task) {
  const float size = fabsf(x);
  if (size < task.nothing_below) {
    return 0.0F;
  }
  const float less = __fdiv_rn(powf(size, task.exponent), task.beta);
  return copysignf(fmaxf(__fsub_rn(size, less), 0.0F), x);
}

__global__ void __launch_bounds__(kThreads) hqq_step_kernel(const HqqTask task) {
  WarpGroup g;
  if (task.state->is_done != 0 || !own_group(task.out, task.w, g)) {
    return;
  }
  const auto max_code = static_cast<float>((1 << task.out.bits) - 1);
  const float inverse = task.inverses[g.at], zero = task.out.zeros[g.at];
  double error = 0, zero_sum = 0;
  for (int i = lane(); i < g.size; i += kWarp) {
    const float w = g.weights[i];
    const float code = nearest_code(__fadd_rn(__fmul_rn(w, inverse), zero), max_code);
    const float residual = __fsub_rn(w, __fdiv_rn(__fsub_rn(code, zero), inverse));
    error += static_cast<double>(fabsf(residual));
    zero_sum += static_cast<double>(
        __fsub_rn(code, __fmul_rn(__fsub_rn(w, shrink(residual, task)), inverse)));
  }
  error = sum_of_lanes(error);
  zero_sum = sum_of_lanes(zero_sum);
  if (lane() == 0) {
    task.out.zeros[g.at] = static_cast<float>(zero_sum / static_cast<double>(g.size));
    task.errors[g.at] = error;
  }
}

/// Part after part of the groups' errors.
__global__ void __launch_bounds__(kThreads) hqq_sum_kernel(const HqqTask task, std::size_t n) {
  if (task.state->is_done != 0) {
    return;
  }
  double sum = 0;
  for (std::size_t i = own_index(); i < n; i += static_cast<std::size_t>(kHqqParts) * kThreads) {
    sum += task.errors[i];
  }
  sum = sum_of_threads<kThreads>(sum);
  if (threadIdx.x == 0) {
    task.errors[n + blockIdx.x] = sum;
  }
}

/// Stops when the mean error is no longer below the best so far.
__global__ void __launch_bounds__(kThreads) hqq_judge_kernel(const HqqTask task, std::size_t n) {
  if (task.state->is_done != 0) {
    return;
  }
  const double sum =
      sum_of_threads<kThreads>(threadIdx.x < kHqqParts ? task.errors[n + threadIdx.x] : 0.0);
  if (threadIdx.x == 0) {
    const double n_weights = static_cast<double>(task.out.rows) * task.out.cols;
    const auto mean = static_cast<float>(sum / n_weights);
    ++task.state->n_iterations;
    task.state->is_done = mean < task.state->best ? 0 : 1;
    task.state->best = fminf(mean, task.state->best);
  }
}

__global__ void __launch_bounds__(kThreads) hqq_finish_kernel(const HqqTask task) {
  WarpGroup g;
  if (!own_group(task.out, task.w, g)) {
    return;
  }
  const auto max_code = static_cast<float>((1 << task.out.bits) - 1);
  const float inverse = task.inverses[g.at];
  const float zero = stored_parameter(task.out.zeros[g.at], task.out.half_parameters);
  __syncwarp();
  if (lane() == 0) {
    task.out.scales[g.at] = __fdiv_rn(1.0F, inverse);
    task.out.zeros[g.at] = zero;
  }
  for (int i = lane(); i < g.size; i += kWarp) {
    const float x = __fadd_rn(__fmul_rn(g.weights[i], inverse), zero);
    task.out.codes[g.first + i] = static_cast<std::uint8_t>(nearest_code(x, max_code));
  }
}

std::size_t n_weights(const GroupedMatrix& m) {
  return static_cast<std::size_t>(m.rows) * static_cast<std::size_t>(m.cols);
}
std::size_t n_groups(const GroupedMatrix& m) {
  return static_cast<std::size_t>(m.rows) * static_cast<std::size_t>(m.n_groups);
}
cudaStream_t as_stream(Stream stream) {
  return static_cast<cudaStream_t>(stream);
}

}  // namespace

void widen(const void* x, SourceType type, float* y, std::size_t n, Stream stream) {
  const unsigned blocks = blocks_for(n, kThreads);
  if (type == SourceType::kHalf) {
    widen_kernel<<<blocks, kThreads, 0, as_stream(stream)>>>(static_cast<const __half*>(x), y, n);
  } else if (type == SourceType::kBFloat) {
    widen_kernel<<<blocks, kThreads, 0, as_stream(stream)>>>(
        static_cast<const __nv_bfloat16*>(x), y, n);
  } else {
    widen_kernel<<<blocks, kThreads, 0, as_stream(stream)>>>(static_cast<const float*>(x), y, n);
  }
}

void find_not_finite(const float* x, std::size_t n, std::uint64_t* at, Stream stream) {
  finite_kernel<<<blocks_for(n, kThreads), kThreads, 0, as_stream(stream)>>>(
      x, n, reinterpret_cast<unsigned long long*>(at));
}

void narrow_rows(const float* x, void* y, int rows, int cols, int first, int turn, Stream stream) {
  const std::size_t n = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
  narrow_kernel<<<blocks_for(n, kThreads), kThreads, 0, as_stream(stream)>>>(
      x, static_cast<__half*>(y), rows, cols, first, turn);
}

void decode(const GroupedMatrix& m, float* y, Stream stream) {
  decode_kernel<<<blocks_for(n_weights(m), kThreads), kThreads, 0, as_stream(stream)>>>(m, y);
}

void squared_error(
    const GroupedMatrix& m, const float* w, double* parts, double* sums, Stream stream) {
  error_kernel<<<kErrorParts, kThreads, 0, as_stream(stream)>>>(m, w, parts);
  sum_pairs_kernel<<<1, kThreads, 0, as_stream(stream)>>>(parts, sums);
}

void pack(const GroupedMatrix& m,
          const std::uint32_t* input_at,
          std::uint8_t* out,
          std::size_t row_bytes,
          Stream stream) {
  const std::size_t n =
      static_cast<std::size_t>(m.rows) * static_cast<std::size_t>((m.cols + 7) / 8);
  pack_kernel<<<blocks_for(n, kThreads), kThreads, 0, as_stream(stream)>>>(
      m, input_at, out, row_bytes);
}

void to_bytes(const float* x, std::uint8_t* y, std::size_t n, Stream stream) {
  bytes_of_kernel<<<blocks_for(n, kThreads), kThreads, 0, as_stream(stream)>>>(x, y, n);
}

void hqq_start(const HqqTask& task, Stream stream) {
  hqq_start_kernel<<<blocks_for(n_groups(task.out), kWarps), kThreads, 0, as_stream(stream)>>>(
      task);
}

void hqq_step(const HqqTask& task, Stream stream) {
  const std::size_t n = n_groups(task.out);
  hqq_step_kernel<<<blocks_for(n, kWarps), kThreads, 0, as_stream(stream)>>>(task);
  hqq_sum_kernel<<<kHqqParts, kThreads, 0, as_stream(stream)>>>(task, n);
  hqq_judge_kernel<<<1, kThreads, 0, as_stream(stream)>>>(task, n);
}

void hqq_finish(const HqqTask& task, Stream stream) {
  hqq_finish_kernel<<<blocks_for(n_groups(task.out), kWarps), kThreads, 0, as_stream(stream)>>>(
      task);
}

}  // namespace nibble::kernels::cuda
