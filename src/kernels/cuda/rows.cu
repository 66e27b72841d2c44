// What is done to one row of activations: embedding, norms, gates, choices.
#include "kernels/cuda/arrange.cuh"
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;

__device__ __forceinline__ float sum_of_warp(float x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x += __shfl_xor_sync(0xFFFFFFFFU, x, step);
  }
  return x;
}

/// The same sum in every thread, in an order that depends on nothing.
__device__ __forceinline__ float sum_of_block(float x) {
  __shared__ float parts[kWarps];
  x = sum_of_warp(x);
  if (threadIdx.x % kWarp == 0) {
    parts[threadIdx.x / kWarp] = x;
  }
  __syncthreads();
  float sum = 0.0F;
#pragma unroll
  for (int i = 0; i < kWarps; ++i) {
    sum += parts[i];
  }
  return sum;
}

__global__ void __launch_bounds__(kThreads) norm_kernel(const NormTask task) {
  follow_earlier_kernels();
  const std::size_t row = task.rows == nullptr ? blockIdx.x : task.rows[blockIdx.x];
  const float* const x = task.x + row * task.width;
  const std::size_t line = static_cast<std::size_t>(blockIdx.x) * task.width;
  float squares = 0.0F;
  for (int i = static_cast<int>(threadIdx.x) * 4; i < task.width; i += kThreads * 4) {
    const float4 v = *reinterpret_cast<const float4*>(x + i);
    squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
  }
  const float factor =
      rsqrtf(sum_of_block(squares) / static_cast<float>(task.width) + task.epsilon);
  for (int i = static_cast<int>(threadIdx.x) * 4; i < task.width; i += kThreads * 4) {
    const float4 v = *reinterpret_cast<const float4*>(x + i);
    const float4 w = *reinterpret_cast<const float4*>(task.weight + i);
    float4 y = {v.x * factor * w.x, v.y * factor * w.y, v.z * factor * w.z, v.w * factor * w.w};
    if (task.float_out) {
      auto* const out = reinterpret_cast<float4*>(static_cast<float*>(task.y) + line + i);
      if (task.adds) {
        const float4 own = *out;
        y = {own.x + y.x, own.y + y.y, own.z + y.z, own.w + y.w};
      }
      *out = y;
    } else if (task.arranges) {
      // Columns i, i + 1 and i + 2, i + 3 are neighbours, in chunks of their own.
      const int n_eights = arranged_tokens(task.n_rows) / 8, token = static_cast<int>(blockIdx.x);
      __half* const out = static_cast<__half*>(task.y);
      *reinterpret_cast<std::uint32_t*>(out + arranged_at(token, i, n_eights)) =
          pack_halves(y.x, y.y);
      *reinterpret_cast<std::uint32_t*>(out + arranged_at(token, i + 2, n_eights)) =
          pack_halves(y.z, y.w);
    } else {
      *reinterpret_cast<uint2*>(static_cast<__half*>(task.y) + line + i) =
          uint2{pack_halves(y.x, y.y), pack_halves(y.z, y.w)};
    }
  }
}

__global__ void __launch_bounds__(kThreads) embed_kernel(
    const BatchView batch, const __half* table, float scale, float* hidden, int width) {
  follow_earlier_kernels();
  const std::size_t token = static_cast<std::size_t>(batch.tokens[blockIdx.x]);
  for (int i = static_cast<int>(threadIdx.x); i < width; i += kThreads) {
    hidden[static_cast<std::size_t>(blockIdx.x) * width + i] =
        scale * __half2float(table[token * width + i]);
  }
}

__global__ void __launch_bounds__(kThreads) cap_kernel(float* x, std::size_t n, float limit) {
  follow_earlier_kernels();
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) {
    x[i] = limit * tanhf(x[i] / limit);
  }
}

__global__ void __launch_bounds__(kThreads)
    gate_kernel(const __half* x, __half* y, int n, int n_tokens, bool gelu) {
  follow_earlier_kernels();
  const std::size_t i = (static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x) * 8;
  if (i >= static_cast<std::size_t>(n) * n_tokens) {
    return;
  }
  // Eight gates, then the eight values that they let through.
  const uint4 both[2] = {*reinterpret_cast<const uint4*>(x + 2 * i),
                         *reinterpret_cast<const uint4*>(x + 2 * i + 8)};
  const auto* const gates = reinterpret_cast<const __half2*>(&both[0]);
  const auto* const ups = reinterpret_cast<const __half2*>(&both[1]);
  std::uint32_t out[4];
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float2 g = __half22float2(gates[k]);
    const float2 u = __half22float2(ups[k]);
    out[k] = gelu ? pack_halves(gelu_tanh(g.x) * u.x, gelu_tanh(g.y) * u.y)
                  : pack_halves(silu(g.x) * u.x, silu(g.y) * u.y);
  }
  *reinterpret_cast<uint4*>(y + i) = uint4{out[0], out[1], out[2], out[3]};
}

__global__ void __launch_bounds__(kThreads)
    gather_kernel(const float* x, const std::uint32_t* rows, float* y, int width) {
  follow_earlier_kernels();
  const std::size_t from = rows[blockIdx.x];
  for (int i = static_cast<int>(threadIdx.x); i < width; i += kThreads) {
    y[static_cast<std::size_t>(blockIdx.x) * width + i] = x[from * width + i];
  }
}

__global__ void __launch_bounds__(kThreads) half_kernel(const float* x, __half* y, std::size_t n) {
  follow_earlier_kernels();
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) {
    y[i] = limited_half(x[i]);
  }
}

/// The larger of two logits, of equal ones the first.
struct Best {
  float logit;
  int token;
  __device__ void take(float other, int other_token) {
    if (other > logit || (other == logit && other_token < token)) {
      logit = other;
      token = other_token;
    }
  }
};

/// One row a block, which is alone on the device while a single sequence decodes: many threads.
constexpr int kScoreThreads = 1024;
constexpr int kScoreWarps = kScoreThreads / kWarp;

/// Calls with every logit of a row and its token, a thread those of its own.
template <class Take>
__device__ __forceinline__ void for_own_logits(const float* x, int vocab, const Take& take) {
  const int thread = static_cast<int>(threadIdx.x);
  const int n_fours = reinterpret_cast<std::uintptr_t>(x) % 16 == 0 ? vocab / 4 : 0;
#pragma unroll 4
  for (int i = thread; i < n_fours; i += kScoreThreads) {
    const float4 v = __ldcg(reinterpret_cast<const float4*>(x) + i);
    take(v.x, i * 4);
    take(v.y, i * 4 + 1);
    take(v.z, i * 4 + 2);
    take(v.w, i * 4 + 3);
  }
  for (int i = n_fours * 4 + thread; i < vocab; i += kScoreThreads) {
    take(__ldcg(x + i), i);
  }
}

__device__ Best best_of_row(const float* x, int vocab) {
  __shared__ Best bests[kScoreWarps];
  Best best{-INFINITY, 0x7FFFFFFF};
  for_own_logits(x, vocab, [&](float logit, int token) { best.take(logit, token); });
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const float logit = __shfl_xor_sync(0xFFFFFFFFU, best.logit, step);
    const int token = __shfl_xor_sync(0xFFFFFFFFU, best.token, step);
    best.take(logit, token);
  }
  if (threadIdx.x % kWarp == 0) {
    bests[threadIdx.x / kWarp] = best;
  }
  __syncthreads();
  for (int i = 0; i < kScoreWarps; ++i) {
    best.take(bests[i].logit, bests[i].token);
  }
  return best;
}

/// Of thread 0: the sum of exp(x - top) in float64, of short sums in float32.
__device__ double sum_of_row(const float* x, int vocab, float top) {
  __shared__ double parts[kScoreWarps];
  constexpr int kShort = 16;
  float own = 0.0F;
  double sum = 0.0;
  int n = 0;
  for_own_logits(x, vocab, [&](float logit, int /*token*/) {
    own += expf(logit - top);
    if (++n % kShort == 0) {
      sum += static_cast<double>(own);
      own = 0.0F;
    }
  });
  sum += static_cast<double>(own);
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    sum += __shfl_xor_sync(0xFFFFFFFFU, sum, step);
  }
  if (threadIdx.x % kWarp == 0) {
    parts[threadIdx.x / kWarp] = sum;
  }
  __syncthreads();
  double total = 0.0;
  for (int i = 0; i < kScoreWarps && threadIdx.x == 0; ++i) {
    total += parts[i];
  }
  return total;
}

__global__ void __launch_bounds__(kScoreThreads) score_kernel(const ScoreTask task) {
  follow_earlier_kernels();
  const float* const x = task.logits + static_cast<std::size_t>(blockIdx.x) * task.vocab;
  const Best best = best_of_row(x, task.vocab);
  if (task.best != nullptr && threadIdx.x == 0) {
    task.best[blockIdx.x] = best.token == 0x7FFFFFFF ? 0 : best.token;
  }
  if (task.log_sums == nullptr) {
    return;
  }
  const double total = sum_of_row(x, task.vocab, best.logit);
  if (threadIdx.x == 0) {
    task.log_sums[blockIdx.x] = static_cast<double>(best.logit) + log(total);
  }
}

__global__ void __launch_bounds__(kThreads) target_kernel(const ScoreTask task) {
  follow_earlier_kernels();
  const int i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (i < task.n_targets) {
    task.target_logits[i] =
        task.logits[static_cast<std::size_t>(task.target_rows[i]) * task.vocab + task.targets[i]];
  }
}

__global__ void advance_kernel(const std::int32_t* best,
                               std::int32_t* tokens,
                               std::int32_t* positions,
                               int n) {
  follow_earlier_kernels();
  const int i = static_cast<int>(threadIdx.x);
  if (i < n) {
    tokens[i] = best[i];
    positions[i] += 1;
  }
}

/// Murmur3's finaliser: every bit of i and seed changes half of the result.
__device__ __forceinline__ std::uint32_t mix(std::size_t i, std::uint32_t seed) {
  std::uint32_t x =
      static_cast<std::uint32_t>(i) ^ seed ^ static_cast<std::uint32_t>(i >> 32) * 0x9E3779B9U;
  x = (x ^ x >> 16) * 0x85EBCA6BU;
  x = (x ^ x >> 13) * 0xC2B2AE35U;
  return x ^ x >> 16;
}

__global__ void __launch_bounds__(kThreads)
    bytes_kernel(std::uint32_t* out, std::size_t n, std::uint32_t seed) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) {
    out[i] = mix(i, seed);
  }
}

__global__ void __launch_bounds__(kThreads)
    halves_kernel(__half* out, std::size_t n, float scale, std::uint32_t seed) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) {
    out[i] = __float2half_rn((static_cast<float>(mix(i, seed)) * 0x1p-31F - 1.0F) * scale);
  }
}

unsigned blocks_for(std::size_t n) {
  return static_cast<unsigned>((n + kThreads - 1) / kThreads);
}

}  // namespace

void rms_norm(const NormTask& task, Stream stream) {
  launch(norm_kernel, dim3(static_cast<unsigned>(task.n_rows)), kThreads, 0, stream, task);
}

void embed(const BatchView& batch,
           const void* table,
           float scale,
           float* hidden,
           int width,
           Stream stream) {
  launch(embed_kernel,
         dim3(static_cast<unsigned>(batch.n_tokens)),
         kThreads,
         0,
         stream,
         batch,
         static_cast<const __half*>(table),
         scale,
         hidden,
         width);
}

void cap(float* x, std::size_t n, float limit, Stream stream) {
  launch(cap_kernel, dim3(blocks_for(n)), kThreads, 0, stream, x, n, limit);
}

void gate(const void* x, void* y, int n, int n_tokens, bool gelu, Stream stream) {
  const std::size_t n_eights = static_cast<std::size_t>(n) * static_cast<std::size_t>(n_tokens) / 8;
  launch(gate_kernel,
         dim3(blocks_for(n_eights)),
         kThreads,
         0,
         stream,
         static_cast<const __half*>(x),
         static_cast<__half*>(y),
         n,
         n_tokens,
         gelu);
}

void gather(const float* x, const std::uint32_t* rows, float* y, int n, int width, Stream stream) {
  launch(gather_kernel, dim3(static_cast<unsigned>(n)), kThreads, 0, stream, x, rows, y, width);
}

void to_half(const float* x, void* y, std::size_t n, Stream stream) {
  launch(half_kernel, dim3(blocks_for(n)), kThreads, 0, stream, x, static_cast<__half*>(y), n);
}

void scores(const ScoreTask& task, Stream stream) {
  launch(score_kernel, dim3(static_cast<unsigned>(task.n_rows)), kScoreThreads, 0, stream, task);
  if (task.n_targets > 0) {
    launch(target_kernel,
           dim3(blocks_for(static_cast<std::size_t>(task.n_targets))),
           kThreads,
           0,
           stream,
           task);
  }
}

void advance(
    const std::int32_t* best, std::int32_t* tokens, std::int32_t* positions, int n, Stream stream) {
  launch(advance_kernel, dim3(1), 1024, 0, stream, best, tokens, positions, n);
}

void random_bytes(void* out, std::size_t n_bytes, std::uint32_t seed, Stream stream) {
  bytes_kernel<<<blocks_for(n_bytes / 4), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<std::uint32_t*>(out), n_bytes / 4, seed);
}

void random_halves(void* out, std::size_t n, float scale, std::uint32_t seed, Stream stream) {
  halves_kernel<<<blocks_for(n), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<__half*>(out), n, scale, seed);
}

}  // namespace nibble::kernels::cuda
