// Products, gates and RoPE of `f32` arithmetic.
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/exact/exact.h"
#include "kernels/cuda/exact/exact_launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
/// Rows and tokens of a block, and columns that are summed before they join the others.
constexpr int kTile = 64, kRun = 64;
/// Threads that share a row of outputs, and outputs of a thread in each direction.
constexpr int kSide = 16, kEach = kTile / kSide;

/// [column][line] of `kTile` lines; a line more, so that lanes that copy a line meet all banks.
using ExactTile = float[kRun][kTile + 1];

/// Columns [first_col, first_col + kRun) of lines [first, first + kTile); zeros where none are.
__device__ void load_tile(
    const float* from, int first, int n_lines, int first_col, int cols, ExactTile& tile) {
  for (int i = static_cast<int>(threadIdx.x); i < kTile * kRun; i += kThreads) {
    const int line = i / kRun, col = i % kRun;
    const bool is_there = first + line < n_lines && first_col + col < cols;
    tile[col][line] =
        is_there ? from[static_cast<std::size_t>(first + line) * cols + first_col + col] : 0.0F;
  }
}

/// A thread makes rows and tokens kSide apart. Grid: rows, tokens.
__global__ void __launch_bounds__(kThreads) product_kernel(const ExactProduct task) {
  __shared__ ExactTile w, x;
  follow_earlier_kernels();
  const int first_row = static_cast<int>(blockIdx.x) * kTile;
  const int first_token = static_cast<int>(blockIdx.y) * kTile;
  const int row = static_cast<int>(threadIdx.x) % kSide;
  const int token = static_cast<int>(threadIdx.x) / kSide;
  float sums[kEach][kEach] = {};
  for (int col = 0; col < task.cols; col += kRun) {
    load_tile(task.w, first_row, task.rows, col, task.cols, w);
    load_tile(task.x, first_token, task.n_tokens, col, task.cols, x);
    __syncthreads();
    float run[kEach][kEach] = {};
#pragma unroll 8
    for (int k = 0; k < kRun; ++k) {
#pragma unroll
      for (int t = 0; t < kEach; ++t) {
        const float own = x[k][token + t * kSide];
#pragma unroll
        for (int r = 0; r < kEach; ++r) {
          run[t][r] = fmaf(w[k][row + r * kSide], own, run[t][r]);
        }
      }
    }
    __syncthreads();  // the tiles are read
#pragma unroll
    for (int i = 0; i < kEach * kEach; ++i) {
      sums[i / kEach][i % kEach] += run[i / kEach][i % kEach];
    }
  }
#pragma unroll
  for (int i = 0; i < kEach * kEach; ++i) {
    const int r = first_row + row + i % kEach * kSide, t = first_token + token + i / kEach * kSide;
    if (r < task.rows && t < task.n_tokens) {
      float& y = task.y[static_cast<std::size_t>(t) * task.rows + r];
      y = task.adds ? y + sums[i / kEach][i % kEach] : sums[i / kEach][i % kEach];
    }
  }
}

__global__ void __launch_bounds__(kThreads)
    exact_gate_kernel(const float* x, float* y, int n, std::size_t n_all, bool gelu) {
  follow_earlier_kernels();
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n_all) {
    const float* const both = x + i / n * 2 * n + i % n;
    const float g = both[0];
    // Not `silu`, whose exponential is the fast one.
    y[i] = (gelu ? gelu_tanh(g) : g / (1.0F + expf(-g))) * both[n];
  }
}

constexpr int kHeadsOfBlock = 4;

/// A warp takes a head: bias, norm and RoPE; keys and values go to their page.
__global__ void __launch_bounds__(kHeadsOfBlock* kWarp) exact_rope_kernel(const RopeTask task) {
  follow_earlier_kernels();
  const KvShape& shape = task.shape;
  const int lane = static_cast<int>(threadIdx.x) % kWarp, token = static_cast<int>(blockIdx.x);
  const int head =
      static_cast<int>(blockIdx.y) * kHeadsOfBlock + static_cast<int>(threadIdx.x) / kWarp;
  const int n_all = shape.n_heads + 2 * shape.n_kv_heads;
  if (head >= n_all) {
    return;
  }
  const bool is_query = head < shape.n_heads, is_value = head >= shape.n_heads + shape.n_kv_heads;
  float* const at = static_cast<float*>(task.qkv) +
                    (static_cast<std::size_t>(token) * n_all + head) * shape.head_dim;
  const auto biased = [&](int i) {
    return at[i] + (task.bias != nullptr ? task.bias[head * shape.head_dim + i] : 0.0F);
  };
  const float* const norm = is_value ? nullptr : is_query ? task.q_norm : task.k_norm;
  float factor = 1.0F;
  if (norm != nullptr) {
    float squares = 0.0F;
    for (int i = lane; i < shape.head_dim; i += kWarp) {
      squares += biased(i) * biased(i);
    }
    factor = 1.0F / sqrtf(sum_of_warp(squares) / static_cast<float>(shape.head_dim) + task.epsilon);
  }
  const int kv_head = (head - shape.n_heads) % shape.n_kv_heads;
  float* const to =
      is_query
          ? at
          : exact_slot(task.batch, shape, token, task.batch.positions[token], kv_head, is_value);
  const auto position = static_cast<float>(task.batch.positions[token]);
  const int half = shape.head_dim / 2;
  for (int i = lane; i < half; i += kWarp) {
    float low = biased(i), high = biased(i + half);
    if (norm != nullptr) {
      low *= factor * norm[i];
      high *= factor * norm[i + half];
    }
    float sine = 0.0F, cosine = 1.0F;
    if (!is_value) {
      sincosf(position * task.inverse_frequency[i], &sine, &cosine);
    }
    to[i] = low * cosine - high * sine;
    to[i + half] = high * cosine + low * sine;
  }
}

void exact_multiply(const ExactProduct& task, Stream stream) {
  const dim3 grid(static_cast<unsigned>((task.rows + kTile - 1) / kTile),
                  static_cast<unsigned>((task.n_tokens + kTile - 1) / kTile));
  launch(product_kernel, grid, kThreads, 0, stream, task);
}

void exact_gate(const float* x, float* y, int n, int n_tokens, bool gelu, Stream stream) {
  const std::size_t n_all = static_cast<std::size_t>(n) * static_cast<std::size_t>(n_tokens);
  const dim3 grid(static_cast<unsigned>((n_all + kThreads - 1) / kThreads));
  launch(exact_gate_kernel, grid, kThreads, 0, stream, x, y, n, n_all, gelu);
}

void exact_rope_store(const RopeTask& task, Stream stream) {
  const int n_all = task.shape.n_heads + 2 * task.shape.n_kv_heads;
  const dim3 grid(static_cast<unsigned>(task.batch.n_tokens),
                  static_cast<unsigned>((n_all + kHeadsOfBlock - 1) / kHeadsOfBlock));
  launch(exact_rope_kernel, grid, kHeadsOfBlock * kWarp, 0, stream, task);
}

}  // namespace

const ExactKernels* exact_kernels() noexcept {
  static constexpr ExactKernels kTable = {.multiply = &exact_multiply,
                                          .gate = &exact_gate,
                                          .rope_store = &exact_rope_store,
                                          .attention = &exact_attention,
                                          .sum_masses = &exact_sum_masses};
  return &kTable;
}

}  // namespace nibble::kernels::cuda
