// Masses of spans: all scores of some queries, then their softmax added up span by span.
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/mass.h"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr float kToExp2 = 1.4426950408889634F;

/// One value of a query head that has its bias.
__device__ __forceinline__ float biased(const RopeTask& task, const __half* head, int col, int i) {
  return __half2float(head[i]) + (task.bias == nullptr ? 0.0F : task.bias[col + i]);
}

/// A query head into shared memory, turned and rounded as rope_store does; a warp together.
template <int kDim>
__device__ void load_query(const MassTask& task, int row, int head, float* out) {
  const RopeTask& rope = task.rope;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::size_t width =
      static_cast<std::size_t>(rope.shape.n_heads + 2 * rope.shape.n_kv_heads) * kDim;
  const __half* const from =
      static_cast<const __half*>(rope.qkv) + row * width + static_cast<std::size_t>(head) * kDim;
  if (task.is_turned) {
    for (int i = lane; i < kDim; i += kWarp) {
      out[i] = __half2float(from[i]);
    }
    return;
  }
  float factor = 1.0F;
  if (rope.q_norm != nullptr) {
    float squares = 0.0F;
    for (int i = lane; i < kDim; i += kWarp) {
      const float x = biased(rope, from, head * kDim, i);
      squares += x * x;
    }
#pragma unroll
    for (int step = kWarp / 2; step > 0; step /= 2) {
      squares += __shfl_xor_sync(0xFFFFFFFFU, squares, step);
    }
    factor = rsqrtf(squares / kDim + rope.epsilon);
  }
  const auto position = static_cast<float>(rope.batch.positions[row]);
  for (int i = lane; i < kDim / 2; i += kWarp) {
    float low = biased(rope, from, head * kDim, i);
    float high = biased(rope, from, head * kDim, i + kDim / 2);
    if (rope.q_norm != nullptr) {
      low *= factor * rope.q_norm[i];
      high *= factor * rope.q_norm[i + kDim / 2];
    }
    float sine, cosine;
    sincosf(position * rope.inverse_frequency[i], &sine, &cosine);
    out[i] = __half2float(limited_half(low * cosine - high * sine));
    out[i + kDim / 2] = __half2float(limited_half(high * cosine + low * sine));
  }
}

/// Scores of one key a thread and all query heads of its key/value head, at most kHeads, times
/// log2(e). Grid: rows, key/value heads, runs of kThreads keys.
template <int kDim, int kHeads>
__global__ void __launch_bounds__(kThreads) score_keys_kernel(const MassTask task) {
  __shared__ __align__(16) float queries[kHeads * kDim];
  follow_earlier_kernels();
  const KvShape& shape = task.rope.shape;
  const BatchView& batch = task.rope.batch;
  const int row = task.rows[blockIdx.x].row, position = batch.positions[row];
  const int first_key = static_cast<int>(blockIdx.z) * kThreads;
  const int n_heads = shape.n_heads / shape.n_kv_heads;
  const int first_head = static_cast<int>(blockIdx.y) * n_heads;
  if (first_key > position) {
    return;
  }
  for (int head = static_cast<int>(threadIdx.x) / kWarp; head < n_heads; head += kWarps) {
    load_query<kDim>(task, row, first_head + head, queries + head * kDim);
  }
  __syncthreads();
  const int key = first_key + static_cast<int>(threadIdx.x);
  if (key > position) {
    return;
  }
  const std::uint64_t page =
      batch.pages[batch.first_page[batch.sequence_of[row]] + key / shape.page_tokens];
  const std::size_t at =
      ((static_cast<std::size_t>(shape.layer) * 2 * shape.n_kv_heads + blockIdx.y) *
           shape.page_tokens +
       key % shape.page_tokens) *
      kDim;
  const auto* const keys =
      reinterpret_cast<const uint4*>(reinterpret_cast<const __half*>(page) + at);
  float sums[kHeads] = {};
#pragma unroll 4
  for (int i = 0; i < kDim / 8; ++i) {
    const uint4 words = __ldg(keys + i);
    const auto* const pairs = reinterpret_cast<const __half2*>(&words);
    const float2 x[4] = {__half22float2(pairs[0]),
                         __half22float2(pairs[1]),
                         __half22float2(pairs[2]),
                         __half22float2(pairs[3])};
#pragma unroll
    for (int head = 0; head < kHeads; ++head) {
      const auto* const q = reinterpret_cast<const float4*>(queries + head * kDim + i * 8);
      const float4 low = q[0], high = q[1];
      sums[head] += low.x * x[0].x + low.y * x[0].y + low.z * x[1].x + low.w * x[1].y;
      sums[head] += high.x * x[2].x + high.y * x[2].y + high.z * x[3].x + high.w * x[3].y;
    }
  }
  const bool is_seen = task.window == 0 || position - key < task.window;
  float* const out =
      task.scores +
      (static_cast<std::size_t>(blockIdx.x) * shape.n_heads + first_head) * task.n_keys + key;
#pragma unroll
  for (int head = 0; head < kHeads; ++head) {
    if (head < n_heads) {
      out[static_cast<std::size_t>(head) * task.n_keys] =
          is_seen ? sums[head] * (task.scale * kToExp2) : -INFINITY;
    }
  }
}

/// The same value in every thread, joined in the order of lanes and warps.
template <class Join>
__device__ float of_block(float x, Join join) {
  __shared__ float parts[kWarps];
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x = join(x, __shfl_xor_sync(0xFFFFFFFFU, x, step));
  }
  __syncthreads();
  if (threadIdx.x % kWarp == 0) {
    parts[threadIdx.x / kWarp] = x;
  }
  __syncthreads();
  x = parts[0];
  for (int i = 1; i < kWarps; ++i) {
    x = join(x, parts[i]);
  }
  return x;
}

/// Grid: rows, query heads. A warp takes a span.
__global__ void __launch_bounds__(kThreads) share_kernel(const MassTask task) {
  follow_earlier_kernels();
  const KvShape& shape = task.rope.shape;
  const MassRow row = task.rows[blockIdx.x];
  const int n = task.rope.batch.positions[row.row] + 1;
  const float* const scores =
      task.scores +
      (static_cast<std::size_t>(blockIdx.x) * shape.n_heads + blockIdx.y) * task.n_keys;
  float top = -INFINITY;
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) {
    top = fmaxf(top, scores[i]);
  }
  top = of_block(top, [](float a, float b) { return fmaxf(a, b); });
  float total = 0.0F;
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) {
    total += exp2f(scores[i] - top);
  }
  total = of_block(total, [](float a, float b) { return a + b; });
  float* const out =
      task.masses + row.out +
      (task.layer * static_cast<std::size_t>(shape.n_heads) + blockIdx.y) * row.n_spans;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int s = static_cast<int>(threadIdx.x) / kWarp; s < row.n_spans; s += kWarps) {
    const MassSpan span = task.spans[row.first_span + s];
    float sum = 0.0F;
    for (int i = span.begin + lane; i < min(span.end, n); i += kWarp) {
      sum += exp2f(scores[i] - top);
    }
#pragma unroll
    for (int step = kWarp / 2; step > 0; step /= 2) {
      sum += __shfl_xor_sync(0xFFFFFFFFU, sum, step);
    }
    if (lane == 0) {
      out[s] = sum / total;
    }
  }
}

template <int kDim>
void launch_scores(const MassTask& task, dim3 grid, Stream stream) {
  const int n_heads = task.rope.shape.n_heads / task.rope.shape.n_kv_heads;
  const auto kernel = n_heads == 1   ? &score_keys_kernel<kDim, 1>
                      : n_heads <= 4 ? &score_keys_kernel<kDim, 4>
                      : n_heads <= 8 ? &score_keys_kernel<kDim, 8>
                                     : &score_keys_kernel<kDim, kNarrowRows>;
  launch(kernel, grid, kThreads, 0, stream, task);
}

void launch_masses(const MassTask& task, Stream stream) {
  const KvShape& shape = task.rope.shape;
  const auto n_rows = static_cast<unsigned>(task.n_rows);
  const dim3 grid(n_rows,
                  static_cast<unsigned>(shape.n_kv_heads),
                  static_cast<unsigned>((task.n_keys + kThreads - 1) / kThreads));
  shape.head_dim == 64 ? launch_scores<64>(task, grid, stream)
                       : launch_scores<128>(task, grid, stream);
  launch(
      share_kernel, dim3(n_rows, static_cast<unsigned>(shape.n_heads)), kThreads, 0, stream, task);
}

}  // namespace

SumMasses sum_masses() noexcept {
  return &launch_masses;
}

}  // namespace nibble::kernels::cuda
