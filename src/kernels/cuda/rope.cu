// RoPE on queries and keys, what comes before it (bias, norms of heads), and keys and values on
// their way to the pages.
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarp;

/// Where the head of a token lies in its page.
__device__ __forceinline__ __half* slot_of(
    const BatchView& batch, const KvShape& shape, int token, int kv_head, bool is_value) {
  const int position = batch.positions[token];
  const std::uint64_t page =
      batch.pages[batch.first_page[batch.sequence_of[token]] + position / shape.page_tokens];
  const std::size_t head =
      (static_cast<std::size_t>(shape.layer) * 2 + (is_value ? 1 : 0)) * shape.n_kv_heads + kv_head;
  return reinterpret_cast<__half*>(page) +
         (head * shape.page_tokens + position % shape.page_tokens) * shape.head_dim;
}

/// One head of `kPairs` pairs a lane: (i, i + head_dim / 2).
template <int kPairs>
struct Head {
  float low[kPairs], high[kPairs];
};

template <int kPairs>
__device__ void normalize(Head<kPairs>& x, const float* weight, float epsilon, int lane) {
  float squares = 0.0F;
#pragma unroll
  for (int k = 0; k < kPairs; ++k) {
    squares += x.low[k] * x.low[k] + x.high[k] * x.high[k];
  }
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    squares += __shfl_xor_sync(0xFFFFFFFFU, squares, step);
  }
  constexpr int kHalf = kPairs * kWarp;
  const float factor = rsqrtf(squares / (2.0F * kHalf) + epsilon);
#pragma unroll
  for (int k = 0; k < kPairs; ++k) {
    x.low[k] *= factor * weight[k * kWarp + lane];
    x.high[k] *= factor * weight[kHalf + k * kWarp + lane];
  }
}

template <int kPairs>
__global__ void __launch_bounds__(kThreads) rope_kernel(const RopeTask task) {
  constexpr int kHalf = kPairs * kWarp;
  follow_earlier_kernels();
  const KvShape& shape = task.shape;
  const int token = static_cast<int>(blockIdx.x), lane = static_cast<int>(threadIdx.x) % kWarp;
  const int n_all = shape.n_heads + 2 * shape.n_kv_heads;
  __half* const line =
      static_cast<__half*>(task.qkv) + static_cast<std::size_t>(token) * n_all * 2 * kHalf;
  const float position = static_cast<float>(task.batch.positions[token]);
  const int first = static_cast<int>(blockIdx.y) * kWarps + static_cast<int>(threadIdx.x) / kWarp;
  for (int head = first; head < n_all; head += kWarps * static_cast<int>(gridDim.y)) {
    __half* const at = line + head * 2 * kHalf;
    Head<kPairs> x;
#pragma unroll
    for (int k = 0; k < kPairs; ++k) {
      const int i = k * kWarp + lane;
      x.low[k] = __half2float(at[i]);
      x.high[k] = __half2float(at[i + kHalf]);
      if (task.bias != nullptr) {
        x.low[k] += task.bias[head * 2 * kHalf + i];
        x.high[k] += task.bias[head * 2 * kHalf + i + kHalf];
      }
    }
    const bool is_query = head < shape.n_heads;
    const bool is_value = head >= shape.n_heads + shape.n_kv_heads;
    const float* const norm = is_query ? task.q_norm : task.k_norm;
    if (!is_value && norm != nullptr) {
      normalize(x, norm, task.epsilon, lane);
    }
    const int kv_head = is_value ? head - shape.n_heads - shape.n_kv_heads : head - shape.n_heads;
    const bool stays = is_query || task.stays;
    __half* const to = stays ? at : slot_of(task.batch, shape, token, kv_head, is_value);
    const bool is_turned = is_query || (!is_value && task.turns_keys);
#pragma unroll
    for (int k = 0; k < kPairs; ++k) {
      const int i = k * kWarp + lane;
      float sine = 0.0F, cosine = 1.0F;
      if (is_turned) {
        sincosf(position * task.inverse_frequency[i], &sine, &cosine);
      }
      to[i] = limited_half(x.low[k] * cosine - x.high[k] * sine);
      to[i + kHalf] = limited_half(x.high[k] * cosine + x.low[k] * sine);
    }
  }
}

}  // namespace

void rope_store(const RopeTask& task, Stream stream) {
  // Few tokens spread their heads over blocks; many fill the device by themselves.
  const int n_all = task.shape.n_heads + 2 * task.shape.n_kv_heads;
  const unsigned spread =
      task.batch.n_tokens >= 64 ? 1U : static_cast<unsigned>((n_all + kWarps - 1) / kWarps);
  const dim3 grid(static_cast<unsigned>(task.batch.n_tokens), spread);
  switch (task.shape.head_dim) {
    case 64:
      return launch(rope_kernel<1>, grid, kThreads, 0, stream, task);
    case 128:
      return launch(rope_kernel<2>, grid, kThreads, 0, stream, task);
    default:
      return launch(rope_kernel<4>, grid, kThreads, 0, stream, task);
  }
}

}  // namespace nibble::kernels::cuda
