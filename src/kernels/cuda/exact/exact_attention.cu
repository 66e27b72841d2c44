// Attention of `f32` arithmetic, and the masses of spans of the same scores.
#include "kernels/cuda/exact/exact_launches.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kWarps = 8;

/// A query head as a warp holds it: columns `lane`, `lane` + 32 …
template <int kDim>
struct ExactHead {
  static constexpr int kOwn = kDim / kWarp;
  float own[kOwn];

  __device__ void load(const float* from) {
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      own[i] = from[i * kWarp + static_cast<int>(threadIdx.x) % kWarp];
    }
  }
  /// In every lane.
  __device__ float dot(const ExactHead& other) const {
    float sum = 0.0F;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      sum = fmaf(own[i], other.own[i], sum);
    }
    return sum_of_warp(sum);
  }
};

template <int kDim>
__device__ ExactHead<kDim> load_head(const float* from) {
  ExactHead<kDim> head;
  head.load(from);
  return head;
}

template <int kDim>
__device__ ExactHead<kDim> query_of(const void* qkv, const KvShape& shape, int token, int head) {
  const std::size_t n_all = static_cast<std::size_t>(shape.n_heads) + 2 * shape.n_kv_heads;
  return load_head<kDim>(static_cast<const float*>(qkv) + (token * n_all + head) * kDim);
}

/// Every kWarps-th key a warp, in order; then the warps in order. Grid: tokens, query heads.
template <int kDim>
__global__ void __launch_bounds__(kWarps* kWarp) exact_attention_kernel(const AttentionTask task) {
  constexpr int kOwn = ExactHead<kDim>::kOwn;
  __shared__ float tops[kWarps], weights[kWarps], values[kWarps][kDim];
  follow_earlier_kernels();
  const KvShape& shape = task.shape;
  const int token = static_cast<int>(blockIdx.x), head = static_cast<int>(blockIdx.y);
  const int warp = static_cast<int>(threadIdx.x) / kWarp,
            lane = static_cast<int>(threadIdx.x) % kWarp;
  const int kv_head = head / (shape.n_heads / shape.n_kv_heads);
  const int position = task.batch.positions[token];
  const int first = task.window > 0 ? max(position - task.window + 1, 0) : 0;
  const ExactHead<kDim> q = query_of<kDim>(task.qkv, shape, token, head);
  float top = -INFINITY, weight = 0.0F, sums[kOwn] = {};
  for (int key = first / kWarps * kWarps + warp; key <= position; key += kWarps) {
    if (key < first) {
      continue;
    }
    const float score =
        task.scale *
        q.dot(load_head<kDim>(exact_slot(task.batch, shape, token, key, kv_head, false)));
    const float higher = fmaxf(top, score);
    const float fade = expf(top - higher), own = expf(score - higher);
    const ExactHead<kDim> v =
        load_head<kDim>(exact_slot(task.batch, shape, token, key, kv_head, true));
    weight = weight * fade + own;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      sums[i] = fmaf(own, v.own[i], sums[i] * fade);
    }
    top = higher;
  }
  if (lane == 0) {
    tops[warp] = top;
    weights[warp] = weight;
  }
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    values[warp][i * kWarp + lane] = sums[i];
  }
  __syncthreads();
  const int col = static_cast<int>(threadIdx.x);
  if (col < kDim) {
    float highest = tops[0];
    for (int i = 1; i < kWarps; ++i) {
      highest = fmaxf(highest, tops[i]);
    }
    float total = 0.0F, sum = 0.0F;
    for (int i = 0; i < kWarps; ++i) {
      const float factor = expf(tops[i] - highest);  // of a warp without keys: exp(-inf)
      total = fmaf(factor, weights[i], total);
      sum = fmaf(factor, values[i][col], sum);
    }
    static_cast<float*>(
        task.out)[(static_cast<std::size_t>(token) * shape.n_heads + head) * kDim + col] =
        sum / total;
  }
}

/// Scores times log2(e), as `share_masses` wants them. Grid: probed rows, query heads.
template <int kDim>
__global__ void __launch_bounds__(kWarps* kWarp) exact_score_kernel(const MassTask task) {
  constexpr float kToExp2 = 1.4426950408889634F;
  follow_earlier_kernels();
  const KvShape& shape = task.rope.shape;
  const BatchView& batch = task.rope.batch;
  const int token = task.rows[blockIdx.x].row, head = static_cast<int>(blockIdx.y);
  const int kv_head = head / (shape.n_heads / shape.n_kv_heads);
  const int position = batch.positions[token];
  const ExactHead<kDim> q = query_of<kDim>(task.rope.qkv, shape, token, head);
  float* const scores =
      task.scores + (static_cast<std::size_t>(blockIdx.x) * shape.n_heads + head) * task.n_keys;
  for (int key = static_cast<int>(threadIdx.x) / kWarp; key <= position; key += kWarps) {
    const float score =
        q.dot(load_head<kDim>(exact_slot(batch, shape, token, key, kv_head, false)));
    const bool is_seen = task.window == 0 || position - key < task.window;
    if (threadIdx.x % kWarp == 0) {
      scores[key] = is_seen ? score * (task.scale * kToExp2) : -INFINITY;
    }
  }
}

}  // namespace

void exact_attention(const AttentionTask& task, Stream stream) {
  const dim3 grid(static_cast<unsigned>(task.batch.n_tokens),
                  static_cast<unsigned>(task.shape.n_heads));
  launch(task.shape.head_dim == 64 ? exact_attention_kernel<64> : exact_attention_kernel<128>,
         grid,
         kWarps * kWarp,
         0,
         stream,
         task);
}

void exact_sum_masses(const MassTask& task, Stream stream) {
  const dim3 grid(static_cast<unsigned>(task.n_rows),
                  static_cast<unsigned>(task.rope.shape.n_heads));
  launch(task.rope.shape.head_dim == 64 ? exact_score_kernel<64> : exact_score_kernel<128>,
         grid,
         kWarps * kWarp,
         0,
         stream,
         task);
  share_masses(task, stream);
}

}  // namespace nibble::kernels::cuda
