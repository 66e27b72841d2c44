// Attention backwards around its products: heads by unit, softmax, RoPE with the norms of heads.
#include "kernels/cuda/autoround_launches.cuh"
#include "kernels/cuda/common.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kChunk = 8;  ///< halves that a thread copies at once

__device__ __forceinline__ float sum_of_warp(float x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x += __shfl_xor_sync(0xFFFFFFFFU, x, step);
  }
  return x;
}
__device__ __forceinline__ float top_of_warp(float x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFFU, x, step));
  }
  return x;
}

/// Where a head of a token lies among those of its unit.
__device__ __forceinline__ std::size_t query_at(
    const KvShape& shape, int window, int w, int t, int head) {
  const int group = shape.n_heads / shape.n_kv_heads;
  const std::size_t unit = static_cast<std::size_t>(w) * shape.n_kv_heads + head / group;
  return ((unit * window + t) * group + head % group) * shape.head_dim;
}
__device__ __forceinline__ std::size_t key_at(
    const KvShape& shape, int window, int w, int t, int head) {
  const std::size_t unit = static_cast<std::size_t>(w) * shape.n_kv_heads + head;
  return (unit * window + t) * shape.head_dim;
}

/// The head of a key (0) or a value (1) in the pages of its sequence.
__device__ __forceinline__ const __half* paged(
    const BatchView& batch, const KvShape& shape, int token, int kv_head, int is_value) {
  const int position = batch.positions[token];
  const std::uint64_t page =
      batch.pages[batch.first_page[batch.sequence_of[token]] + position / shape.page_tokens];
  const std::size_t head =
      (static_cast<std::size_t>(shape.layer) * 2 + is_value) * shape.n_kv_heads + kv_head;
  return reinterpret_cast<const __half*>(page) +
         (head * shape.page_tokens + position % shape.page_tokens) * shape.head_dim;
}

/// A block takes a token.
__global__ void __launch_bounds__(kThreads) split_kernel(const SplitTask task) {
  const KvShape& shape = task.shape;
  const int w = static_cast<int>(blockIdx.x) / task.window;
  const int t = static_cast<int>(blockIdx.x) % task.window;
  const int token = (task.first_window + w) * task.window + t;
  const int n_chunks = shape.head_dim / kChunk;
  const int n_all = 2 * shape.n_heads + 2 * shape.n_kv_heads;
  const std::size_t line =
      static_cast<std::size_t>(token) * (shape.n_heads + 2 * shape.n_kv_heads) * shape.head_dim;
  for (int i = static_cast<int>(threadIdx.x); i < n_all * n_chunks; i += kThreads) {
    const int chunk = i % n_chunks * kChunk;
    int head = i / n_chunks;
    const __half* from;
    __half* to;
    if (head < shape.n_heads) {
      from = static_cast<const __half*>(task.qkv) + line + head * shape.head_dim;
      to = static_cast<__half*>(task.q) + query_at(shape, task.window, w, t, head);
    } else if (head < 2 * shape.n_heads) {
      head -= shape.n_heads;
      from = static_cast<const __half*>(task.d_attended) +
             (static_cast<std::size_t>(token) * shape.n_heads + head) * shape.head_dim;
      to = static_cast<__half*>(task.d) + query_at(shape, task.window, w, t, head);
    } else {
      head -= 2 * shape.n_heads;
      const int is_value = head >= shape.n_kv_heads ? 1 : 0;
      head -= is_value * shape.n_kv_heads;
      from = paged(task.batch, shape, token, head, is_value);
      to = static_cast<__half*>(is_value != 0 ? task.v : task.k) +
           key_at(shape, task.window, w, t, head);
    }
    *reinterpret_cast<uint4*>(to + chunk) = *reinterpret_cast<const uint4*>(from + chunk);
  }
}

/// Four neighbours of a row, each seen where its key is.
struct Four {
  float x[4];
};
__device__ __forceinline__ Four four_scores(const float* row, int j, int begin, int end) {
  const float4 v = *reinterpret_cast<const float4*>(row + j);
  Four out{{v.x, v.y, v.z, v.w}};
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    out.x[k] = j + k >= begin && j + k < end ? out.x[k] : -INFINITY;
  }
  return out;
}
__device__ __forceinline__ Four four_halves(const __half* row, int j) {
  const uint2 both = *reinterpret_cast<const uint2*>(row + j);
  const float2 low = __half22float2(*reinterpret_cast<const __half2*>(&both.x));
  const float2 high = __half22float2(*reinterpret_cast<const __half2*>(&both.y));
  return {{low.x, low.y, high.x, high.y}};
}
__device__ __forceinline__ void store_four(__half* row, int j, const Four& v) {
  *reinterpret_cast<uint2*>(row + j) =
      uint2{pack_halves(v.x[0], v.x[1]), pack_halves(v.x[2], v.x[3])};
}

/// A warp takes a row: one head of one query.
__global__ void __launch_bounds__(kThreads) softmax_kernel(const SoftmaxBackwardTask task) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::size_t row = static_cast<std::size_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  const std::size_t n_rows = static_cast<std::size_t>(task.n_queries) * task.group;
  if (row >= n_rows * task.n_units) {
    return;
  }
  const int position = task.first + static_cast<int>(row % n_rows) / task.group;
  const int end = position + 1;
  const int begin = task.window > 0 ? max(0, end - task.window) : 0;
  const float* const scores = task.scores + row * task.stride;
  __half* const d = static_cast<__half*>(task.d) + row * task.stride;
  __half* const p = static_cast<__half*>(task.p) + row * task.stride;
  const int own = begin / (4 * kWarp) * 4 * kWarp + lane * 4;
  float top = -INFINITY;
  for (int j = own; j < end; j += 4 * kWarp) {
    const Four s = four_scores(scores, j, begin, end);
    top = fmaxf(top, fmaxf(fmaxf(s.x[0], s.x[1]), fmaxf(s.x[2], s.x[3])));
  }
  top = top_of_warp(top);
  float sum = 0.0F, mean = 0.0F;
  for (int j = own; j < end; j += 4 * kWarp) {
    const Four s = four_scores(scores, j, begin, end);
    const Four slope = four_halves(d, j);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const float e = __expf(s.x[k] - top);
      sum += e;
      mean += e > 0.0F ? e * slope.x[k] : 0.0F;
    }
  }
  const float inverse = 1.0F / sum_of_warp(sum);
  mean = sum_of_warp(mean) * inverse;
  for (int j = lane * 4; j < task.n_keys; j += 4 * kWarp) {
    Four probability{}, slope{};
    if (j + 3 >= begin && j < end) {
      const Four s = four_scores(scores, j, begin, end);
      const Four from = four_halves(d, j);
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        probability.x[k] = __expf(s.x[k] - top) * inverse;
        slope.x[k] = probability.x[k] > 0.0F ? probability.x[k] * (from.x[k] - mean) : 0.0F;
      }
    }
    store_four(p, j, probability);
    store_four(d, j, slope);
  }
}

/// One head of `kPairs` pairs a lane: (i, i + head_dim / 2).
template <int kPairs>
struct Head {
  float low[kPairs], high[kPairs];
};

template <int kPairs>
__device__ Head<kPairs> read_head(const float* from, int lane) {
  Head<kPairs> out;
#pragma unroll
  for (int k = 0; k < kPairs; ++k) {
    out.low[k] = from[k * kWarp + lane];
    out.high[k] = from[(kPairs + k) * kWarp + lane];
  }
  return out;
}

/// RoPE turned back.
template <int kPairs>
__device__ void turn_back(Head<kPairs>& d, const float* inverse_frequency, int position, int lane) {
#pragma unroll
  for (int k = 0; k < kPairs; ++k) {
    float sine, cosine;
    sincosf(static_cast<float>(position) * inverse_frequency[k * kWarp + lane], &sine, &cosine);
    const float low = d.low[k], high = d.high[k];
    d.low[k] = low * cosine + high * sine;
    d.high[k] = high * cosine - low * sine;
  }
}

/// The gradient at the norm's input for that of its output.
template <int kPairs>
__device__ void norm_backward_of(
    Head<kPairs>& d, const Head<kPairs>& x, const float* weight, float epsilon, int lane) {
  constexpr float kDim = 2.0F * kPairs * kWarp;
  float squares = 0.0F, dot = 0.0F;
#pragma unroll
  for (int k = 0; k < kPairs; ++k) {
    d.low[k] *= weight[k * kWarp + lane];
    d.high[k] *= weight[(kPairs + k) * kWarp + lane];
    squares += x.low[k] * x.low[k] + x.high[k] * x.high[k];
    dot += d.low[k] * x.low[k] + d.high[k] * x.high[k];
  }
  const float r = rsqrtf(sum_of_warp(squares) / kDim + epsilon);
  const float along = r * r * sum_of_warp(dot) / kDim;
#pragma unroll
  for (int k = 0; k < kPairs; ++k) {
    d.low[k] = r * (d.low[k] - x.low[k] * along);
    d.high[k] = r * (d.high[k] - x.high[k] * along);
  }
}

/// A block takes a token, a warp its heads in turns.
template <int kPairs>
__global__ void __launch_bounds__(kThreads) join_kernel(const JoinTask task) {
  constexpr int kDim = 2 * kPairs * kWarp;
  const KvShape& shape = task.shape;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int w = static_cast<int>(blockIdx.x) / task.window;
  const int t = static_cast<int>(blockIdx.x) % task.window;
  const int n_all = shape.n_heads + 2 * shape.n_kv_heads;
  const std::size_t line =
      static_cast<std::size_t>((task.first_window + w) * task.window + t) * n_all * kDim;
  for (int head = static_cast<int>(threadIdx.x) / kWarp; head < n_all; head += kWarps) {
    const bool is_query = head < shape.n_heads;
    const bool is_value = head >= shape.n_heads + shape.n_kv_heads;
    const int kv_head = head - shape.n_heads - (is_value ? shape.n_kv_heads : 0);
    const float* const from =
        is_query ? task.d_q + query_at(shape, task.window, w, t, head)
                 : (is_value ? task.d_v : task.d_k) + key_at(shape, task.window, w, t, kv_head);
    Head<kPairs> d = read_head<kPairs>(from, lane);
    const std::size_t at = line + static_cast<std::size_t>(head) * kDim;
    if (!is_value) {
      turn_back(d, task.inverse_frequency, t, lane);
      const float* const norm = is_query ? task.q_norm : task.k_norm;
      if (norm != nullptr) {
        const __half* const raw = static_cast<const __half*>(task.raw) + at;
        Head<kPairs> x;
#pragma unroll
        for (int k = 0; k < kPairs; ++k) {
          const int i = k * kWarp + lane;
          const float* const bias = task.bias == nullptr ? nullptr : task.bias + head * kDim + i;
          x.low[k] = __half2float(raw[i]) + (bias == nullptr ? 0.0F : bias[0]);
          x.high[k] = __half2float(raw[i + kDim / 2]) + (bias == nullptr ? 0.0F : bias[kDim / 2]);
        }
        norm_backward_of(d, x, norm, task.epsilon, lane);
      }
    }
    __half* const to = static_cast<__half*>(task.d_qkv) + at;
#pragma unroll
    for (int k = 0; k < kPairs; ++k) {
      to[k * kWarp + lane] = limited_half(d.low[k]);
      to[(kPairs + k) * kWarp + lane] = limited_half(d.high[k]);
    }
  }
}

cudaStream_t stream_of(Stream stream) {
  return static_cast<cudaStream_t>(stream);
}

}  // namespace

void split_heads(const SplitTask& task, Stream stream) {
  split_kernel<<<static_cast<unsigned>(task.n_windows * task.window),
                 kThreads,
                 0,
                 stream_of(stream)>>>(task);
}

void softmax_backward(const SoftmaxBackwardTask& task, Stream stream) {
  const std::size_t n_rows = static_cast<std::size_t>(task.n_queries) *
                             static_cast<std::size_t>(task.group) *
                             static_cast<std::size_t>(task.n_units);
  softmax_kernel<<<static_cast<unsigned>((n_rows + kWarps - 1) / kWarps),
                   kThreads,
                   0,
                   stream_of(stream)>>>(task);
}

void join_heads(const JoinTask& task, Stream stream) {
  const auto n_tokens = static_cast<unsigned>(task.n_windows * task.window);
  if (task.shape.head_dim == 64) {
    join_kernel<1><<<n_tokens, kThreads, 0, stream_of(stream)>>>(task);
  } else {
    join_kernel<2><<<n_tokens, kThreads, 0, stream_of(stream)>>>(task);
  }
}

}  // namespace nibble::kernels::cuda
