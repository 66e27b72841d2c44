// Masses of spans: all scores of some queries, then their softmax added up span by span.
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/launches.cuh"
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

/// Up to so many rows a block takes one, so that there are blocks enough; beyond, as many as make
/// kQueries query heads, so that keys are read once for all of them.
constexpr int kFewRows = 8;
constexpr int kQueries = 32;

/// A product of a query and a key, scaled and times log2(e).
__device__ __forceinline__ float score_of(const MassTask& task, float product) {
  return task.softcap > 0.0F ? task.softcap * tanhf(product * task.scale / task.softcap) * kToExp2
                             : product * (task.scale * kToExp2);
}

/// Scores of a key, times log2(e), for rows of one sequence and at most kHeads query heads each.
template <int kDim, int kHeads, int kRows>
__device__ void score_key(
    const MassTask& task, int first, int n_rows, int key, const float* queries) {
  const KvShape& shape = task.rope.shape;
  const BatchView& batch = task.rope.batch;
  const int n_heads = shape.n_heads / shape.n_kv_heads;
  const int sequence = batch.sequence_of[task.rows[first].row];
  const auto* const page = reinterpret_cast<const __half*>(
      batch.pages[batch.first_page[sequence] + key / shape.page_tokens]);
  const int head_of_page = shape.layer * 2 * shape.n_kv_heads + static_cast<int>(blockIdx.y);
  const auto* const keys = reinterpret_cast<const uint4*>(
      page +
      (static_cast<std::size_t>(head_of_page) * shape.page_tokens + key % shape.page_tokens) *
          kDim);
  float sums[kHeads * kRows] = {};
#pragma unroll 2
  for (int i = 0; i < kDim / 8; ++i) {
    const uint4 words = __ldg(keys + i);
    const auto* const pairs = reinterpret_cast<const __half2*>(&words);
    const float2 x[4] = {__half22float2(pairs[0]),
                         __half22float2(pairs[1]),
                         __half22float2(pairs[2]),
                         __half22float2(pairs[3])};
#pragma unroll
    for (int query = 0; query < kHeads * kRows; ++query) {
      if (query / kHeads < n_rows) {
        const auto* const q = reinterpret_cast<const float4*>(queries + query * kDim + i * 8);
        const float4 low = q[0], high = q[1];
        sums[query] += low.x * x[0].x + low.y * x[0].y + low.z * x[1].x + low.w * x[1].y;
        sums[query] += high.x * x[2].x + high.y * x[2].y + high.z * x[3].x + high.w * x[3].y;
      }
    }
  }
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    const int position = row < n_rows ? batch.positions[task.rows[first + row].row] : -1;
    const bool is_seen = task.window == 0 || position - key < task.window;
    const std::size_t line = static_cast<std::size_t>(first + row) * shape.n_heads +
                             static_cast<int>(blockIdx.y) * n_heads;
#pragma unroll
    for (int head = 0; head < kHeads; ++head) {
      if (key <= position && head < n_heads) {
        task.scores[(line + head) * task.n_keys + key] =
            is_seen ? score_of(task, sums[row * kHeads + head]) : -INFINITY;
      }
    }
  }
}

/// One key a thread. Grid: as many rows as a block takes, key/value heads, runs of kThreads keys.
template <int kDim, int kHeads, int kRows>
__global__ void __launch_bounds__(kThreads) score_keys_kernel(const MassTask task) {
  __shared__ __align__(16) float queries[kHeads * kRows * kDim];
  follow_earlier_kernels();
  const BatchView& batch = task.rope.batch;
  const int n_heads = task.rope.shape.n_heads / task.rope.shape.n_kv_heads;
  const int key = static_cast<int>(blockIdx.z * kThreads + threadIdx.x);
  const int end = min(static_cast<int>(blockIdx.x + 1) * kRows, task.n_rows);
  const auto sequence_of = [&](int row) { return batch.sequence_of[task.rows[row].row]; };
  for (int first = static_cast<int>(blockIdx.x) * kRows, next; first < end; first = next) {
    next = first + 1;
    while (next < end && sequence_of(next) == sequence_of(first)) {
      ++next;
    }
    __syncthreads();  // the queries before are read
    for (int i = static_cast<int>(threadIdx.x) / kWarp; i < (next - first) * n_heads; i += kWarps) {
      const int row = i / n_heads, head = i % n_heads;
      load_query<kDim>(task,
                       task.rows[first + row].row,
                       static_cast<int>(blockIdx.y) * n_heads + head,
                       queries + (row * kHeads + head) * kDim);
    }
    __syncthreads();
    if (key <= batch.positions[task.rows[next - 1].row]) {  // rows of a sequence ascend
      score_key<kDim, kHeads, kRows>(task, first, next - first, key, queries);
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

template <int kDim, int kHeads, int kRows>
void launch_scores(const MassTask& task, Stream stream) {
  const dim3 grid(static_cast<unsigned>((task.n_rows + kRows - 1) / kRows),
                  static_cast<unsigned>(task.rope.shape.n_kv_heads),
                  static_cast<unsigned>((task.n_keys + kThreads - 1) / kThreads));
  launch(score_keys_kernel<kDim, kHeads, kRows>, grid, kThreads, 0, stream, task);
}

template <int kDim, int kHeads>
void launch_scores_of_rows(const MassTask& task, Stream stream) {
  if (task.n_rows <= kFewRows) {
    launch_scores<kDim, kHeads, 1>(task, stream);
  } else {
    launch_scores<kDim, kHeads, kQueries / kHeads>(task, stream);
  }
}

/// By the query heads of a key/value head.
template <int kDim>
void launch_scores_of(const MassTask& task, Stream stream) {
  const int n_heads = task.rope.shape.n_heads / task.rope.shape.n_kv_heads;
  if (n_heads <= 4) {
    launch_scores_of_rows<kDim, 4>(task, stream);
  } else if (n_heads <= 8) {
    launch_scores_of_rows<kDim, 8>(task, stream);
  } else {
    launch_scores_of_rows<kDim, kNarrowRows>(task, stream);
  }
}

void launch_masses(const MassTask& task, Stream stream) {
  const KvShape& shape = task.rope.shape;
  switch (shape.head_dim) {
    case 64:
      launch_scores_of<64>(task, stream);
      break;
    case 128:
      launch_scores_of<128>(task, stream);
      break;
    default:
      launch_scores_of<256>(task, stream);
      break;
  }
  share_masses(task, stream);
}

}  // namespace

void share_masses(const MassTask& task, Stream stream) {
  const dim3 grid(static_cast<unsigned>(task.n_rows),
                  static_cast<unsigned>(task.rope.shape.n_heads));
  launch(share_kernel, grid, kThreads, 0, stream, task);
}

SumMasses sum_masses() noexcept {
  return &launch_masses;
}

}  // namespace nibble::kernels::cuda
