// AutoRound's loss and what lies between the products of a block on the way back; the table of
// autoround.h.
#include "kernels/cuda/autoround_launches.cuh"
#include "kernels/cuda/grid.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;

__device__ __forceinline__ std::size_t own_index() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
unsigned blocks_for(std::size_t n, std::size_t each) {
  return static_cast<unsigned>((n + each - 1) / each);
}
cudaStream_t stream_of(Stream stream) {
  return static_cast<cudaStream_t>(stream);
}

/// Over a block, in each of its threads.
__device__ float top_of_threads(float x) {
  __shared__ float tops[kWarps];
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, step));
  }
  if (threadIdx.x % kWarp == 0) {
    tops[threadIdx.x / kWarp] = x;
  }
  __syncthreads();
  for (int i = 0; i < kWarps; ++i) {
    x = fmaxf(x, tops[i]);
  }
  return x;
}

__global__ void __launch_bounds__(kThreads)
    loss_kernel(const float* x, std::size_t n, double* parts) {
  double sum = 0;
  float top = 0.0F;
  for (std::size_t i = own_index(); i < n; i += static_cast<std::size_t>(kLossParts) * kThreads) {
    const float v = x[i];
    sum += static_cast<double>(v) * static_cast<double>(v);
    top = fmaxf(top, fabsf(v));
  }
  sum = sum_of_threads<kThreads>(sum);
  top = top_of_threads(top);
  if (threadIdx.x == 0) {
    parts[2 * blockIdx.x] = sum;
    parts[2 * blockIdx.x + 1] = static_cast<double>(top);
  }
}

__global__ void __launch_bounds__(kThreads) join_losses_kernel(const double* parts, double* sums) {
  double sum = 0;
  float top = 0.0F;
  for (int i = static_cast<int>(threadIdx.x); i < kLossParts; i += kThreads) {
    sum += parts[2 * i];
    top = fmaxf(top, static_cast<float>(parts[2 * i + 1]));
  }
  sum = sum_of_threads<kThreads>(sum);
  top = top_of_threads(top);
  if (threadIdx.x == 0) {
    sums[0] += sum;
    sums[1] = fmax(sums[1], static_cast<double>(top));
  }
}

__global__ void __launch_bounds__(kThreads)
    scale_kernel(float* x, float factor, __half* y, std::size_t n) {
  const std::size_t i = own_index();
  if (i < n) {
    const float v = x[i] * factor;
    x[i] = v;
    y[i] = limited_half(v);
  }
}

struct Activated {
  float value, slope;
};

__device__ __forceinline__ Activated activated_silu(float x) {
  const float s = 1.0F / (1.0F + __expf(-x));
  return {x * s, s * (1.0F + x * (1.0F - s))};
}

__device__ __forceinline__ Activated activated_gelu(float x) {
  constexpr float kRoot = 0.7978845608028654F, kCube = 0.044715F;  // sqrt(2 / pi)
  const float t = tanhf(kRoot * (x + kCube * x * x * x));
  const float slope = kRoot * (1.0F + 3.0F * kCube * x * x);
  return {0.5F * x * (1.0F + t), 0.5F * (1.0F + t) + 0.5F * x * (1.0F - t * t) * slope};
}

__global__ void __launch_bounds__(kThreads)
    gate_backward_kernel(__half* both, const __half* d, std::size_t n, bool gelu) {
  const std::size_t i = own_index() * 8;
  if (i >= n) {
    return;
  }
  // Eight gates, then the eight values that they let through.
  auto* const place = reinterpret_cast<uint4*>(both + 2 * i);
  uint4 gates = place[0], ups = place[1];
  const uint4 slopes = *reinterpret_cast<const uint4*>(d + i);
  auto* const gate = reinterpret_cast<__half2*>(&gates);
  auto* const up = reinterpret_cast<__half2*>(&ups);
  const auto* const slope = reinterpret_cast<const __half2*>(&slopes);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float2 g = __half22float2(gate[k]), u = __half22float2(up[k]);
    const float2 s = __half22float2(slope[k]);
    const Activated a = gelu ? activated_gelu(g.x) : activated_silu(g.x);
    const Activated b = gelu ? activated_gelu(g.y) : activated_silu(g.y);
    gate[k] = __halves2half2(limited_half(a.slope * u.x * s.x), limited_half(b.slope * u.y * s.y));
    up[k] = __halves2half2(limited_half(a.value * s.x), limited_half(b.value * s.y));
  }
  place[0] = gates;
  place[1] = ups;
}

struct Pair {
  float a, b;
};
/// Sums over a block, in each of its threads, in an order that depends on nothing.
__device__ Pair sums_of_threads(Pair x) {
  __shared__ Pair parts[kWarps];
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x.a += __shfl_xor_sync(kAllLanes, x.a, step);
    x.b += __shfl_xor_sync(kAllLanes, x.b, step);
  }
  if (threadIdx.x % kWarp == 0) {
    parts[threadIdx.x / kWarp] = x;
  }
  __syncthreads();
  Pair sum{0.0F, 0.0F};
#pragma unroll
  for (int i = 0; i < kWarps; ++i) {
    sum.a += parts[i].a;
    sum.b += parts[i].b;
  }
  return sum;
}

/// A block takes a row.
__global__ void __launch_bounds__(kThreads) norm_backward_kernel(const NormBackwardTask task) {
  const std::size_t line = static_cast<std::size_t>(blockIdx.x) * task.width;
  Pair sums{0.0F, 0.0F};
  for (int i = static_cast<int>(threadIdx.x) * 4; i < task.width; i += kThreads * 4) {
    const float4 x = *reinterpret_cast<const float4*>(task.x + line + i);
    const float4 g = *reinterpret_cast<const float4*>(task.weight + i);
    const float4 d = *reinterpret_cast<const float4*>(task.d_normed + line + i);
    sums.a += x.x * x.x + x.y * x.y + x.z * x.z + x.w * x.w;
    sums.b += d.x * g.x * x.x + d.y * g.y * x.y + d.z * g.z * x.z + d.w * g.w * x.w;
  }
  sums = sums_of_threads(sums);
  const auto width = static_cast<float>(task.width);
  const float r = rsqrtf(sums.a / width + task.epsilon);
  const float along = r * r * sums.b / width;
  auto* const out = static_cast<__half*>(task.y) + line;
  for (int i = static_cast<int>(threadIdx.x) * 4; i < task.width; i += kThreads * 4) {
    const float4 x = *reinterpret_cast<const float4*>(task.x + line + i);
    const float4 g = *reinterpret_cast<const float4*>(task.weight + i);
    const float4 d = *reinterpret_cast<const float4*>(task.d_normed + line + i);
    const float4 more = *reinterpret_cast<const float4*>(task.d + line + i);
    *reinterpret_cast<uint2*>(out + i) = uint2{
        pack_halves(more.x + r * (d.x * g.x - x.x * along), more.y + r * (d.y * g.y - x.y * along)),
        pack_halves(more.z + r * (d.z * g.z - x.z * along),
                    more.w + r * (d.w * g.w - x.w * along))};
  }
}

void add_loss(const float* x, std::size_t n, double* parts, double* sums, Stream stream) {
  loss_kernel<<<kLossParts, kThreads, 0, stream_of(stream)>>>(x, n, parts);
  join_losses_kernel<<<1, kThreads, 0, stream_of(stream)>>>(parts, sums);
}

void scale(float* x, float factor, void* halves, std::size_t n, Stream stream) {
  scale_kernel<<<blocks_for(n, kThreads), kThreads, 0, stream_of(stream)>>>(
      x, factor, static_cast<__half*>(halves), n);
}

void gate_backward(void* both, const void* d_gated, int n, int n_tokens, bool gelu, Stream stream) {
  const std::size_t size = static_cast<std::size_t>(n) * static_cast<std::size_t>(n_tokens);
  gate_backward_kernel<<<blocks_for(size / 8, kThreads), kThreads, 0, stream_of(stream)>>>(
      static_cast<__half*>(both), static_cast<const __half*>(d_gated), size, gelu);
}

void norm_backward(const NormBackwardTask& task, Stream stream) {
  norm_backward_kernel<<<static_cast<unsigned>(task.n_rows), kThreads, 0, stream_of(stream)>>>(
      task);
}

}  // namespace

const AutoroundKernels* autoround_kernels() noexcept {
  static constexpr AutoroundKernels kTable = {.round_step = &round_step,
                                              .add_loss = &add_loss,
                                              .scale = &scale,
                                              .gate_backward = &gate_backward,
                                              .norm_backward = &norm_backward,
                                              .split_heads = &split_heads,
                                              .softmax_backward = &softmax_backward,
                                              .join_heads = &join_heads,
                                              .multiply = &half_product};
  return &kTable;
}

}  // namespace nibble::kernels::cuda
