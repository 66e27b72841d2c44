// Causal grouped-query attention over pages.
//
// A warp takes 16 rows, a row being one query head of one token, and 64 keys of a page at a time. A
// lane's operands are 32 bytes in a row of one key and of one value, so nothing passes through
// shared memory: the columns of keys and of queries are taken in one permuted order, and the output
// comes in the order of the values.
//
// The online softmax is that of Milakov and Gimelshein 2018 (arXiv 1805.02867); keys in parts and
// their combination follow Dao et al. 2023, Flash-Decoding.
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kPage = 64;
constexpr int kWarps = 4;
constexpr float kLog2e = 1.4426950408889634F;

/// What 16 rows have seen so far; a lane holds rows lane / 4 and lane / 4 + 8 of each.
template <int kBlocks>
struct State {
  float sums[kBlocks][8][4];  ///< [64 columns][place]: rows, two columns each
  float top[2];
  float weight[2];
};

/// A lane's rows: positions of their tokens and where their heads lie, or nothing.
struct LaneRows {
  int token[2];
  int head[2];
  int position[2];  ///< -1: no such row
};

__device__ __forceinline__ LaneRows rows_of_lane(const AttentionTask& task,
                                                 const QueryTile& tile,
                                                 int kv_head,
                                                 int first_row) {
  const int per_group = task.shape.n_heads / task.shape.n_kv_heads;
  LaneRows rows;
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    const int row = first_row + static_cast<int>(threadIdx.x) % kWarp / 4 + 8 * k;
    const int token = row / per_group;
    const bool is_there = token < tile.n_tokens;
    rows.token[k] = tile.first_token + (is_there ? token : 0);
    rows.head[k] = kv_head * per_group + row % per_group;
    rows.position[k] = is_there ? task.batch.positions[rows.token[k]] : -1;
  }
  return rows;
}

template <int kBlocks>
__device__ __forceinline__ void read_queries(const AttentionTask& task,
                                             const LaneRows& rows,
                                             std::uint32_t (&q)[kBlocks][4][4]) {
  const KvShape& shape = task.shape;
  const std::size_t stride =
      static_cast<std::size_t>(shape.n_heads + 2 * shape.n_kv_heads) * kBlocks * 64;
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      const auto* const from = reinterpret_cast<const uint4*>(
          static_cast<const __half*>(task.qkv) + rows.token[k] * stride +
          (rows.head[k] * kBlocks + block) * 64 + threadIdx.x % 4 * 16);
      const bool is_there = rows.position[k] >= 0;
      const uint4 x[2] = {is_there ? __ldcg(from) : uint4{}, is_there ? __ldcg(from + 1) : uint4{}};
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        q[block][2 * half][k] = x[half].x;
        q[block][2 * half][2 + k] = x[half].y;
        q[block][2 * half + 1][k] = x[half].z;
        q[block][2 * half + 1][2 + k] = x[half].w;
      }
    }
  }
}

/// Keys and values of a page where they lie in memory.
template <int kBlocks>
struct GlobalPage {
  const __half* keys;
  const __half* values;

  __device__ uint4 key(int key_, int block, int quarter, int half) const {
    return __ldcg(reinterpret_cast<const uint4*>(keys + (key_ * kBlocks + block) * 64 +
                                                 quarter * 16 + half * 8));
  }
  /// Columns 8 * eighth + [0, 8).
  __device__ uint4 value(int key_, int block, int eighth) const {
    return __ldcg(
        reinterpret_cast<const uint4*>(values + (key_ * kBlocks + block) * 64 + eighth * 8));
  }
};

/// The same copied to shared memory, [keys, values][64 columns][key][8 chunks of 16 bytes]. Chunks
/// change places so that the lanes of a quarter warp read all banks.
template <int kBlocks>
struct SharedPage {
  static constexpr int kBytes = 2 * kBlocks * kPage * 128;
  char* bytes;

  __device__ uint4* place(int part, int block, int key_, int chunk) const {
    return reinterpret_cast<uint4*>(bytes + ((part * kBlocks + block) * kPage + key_) * 128 +
                                    chunk * 16);
  }
  __device__ static int key_chunk(int key_, int chunk) { return chunk ^ (key_ & 1); }
  __device__ static int value_chunk(int key_, int chunk) { return chunk ^ (key_ >> 1 & 3) << 1; }

  __device__ uint4 key(int key_, int block, int quarter, int half) const {
    return *place(0, block, key_, key_chunk(key_, quarter * 2 + half));
  }
  __device__ uint4 value(int key_, int block, int eighth) const {
    return *place(1, block, key_, value_chunk(key_, eighth));
  }
  /// All threads of a block together.
  __device__ void copy(const GlobalPage<kBlocks>& from) const {
    for (int i = static_cast<int>(threadIdx.x); i < kBlocks * kPage * 8; i += kWarps * kWarp) {
      const int chunk = i % 8, block = i / 8 % kBlocks, key_ = i / 8 / kBlocks;
      copy_16(place(0, block, key_, key_chunk(key_, chunk)), from.keys + i * 8);
      copy_16(place(1, block, key_, value_chunk(key_, chunk)), from.values + i * 8);
    }
  }
};

/// scores[n] = q k for keys 8 n + [0, 8).
template <int kBlocks, class Page>
__device__ __forceinline__ void multiply_keys(const Page& page,
                                              const std::uint32_t (&q)[kBlocks][4][4],
                                              float (&scores)[8][4]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    scores[n][0] = scores[n][1] = scores[n][2] = scores[n][3] = 0.0F;
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      const uint4 low = page.key(n * 8 + lane / 4, block, lane % 4, 0);
      const uint4 high = page.key(n * 8 + lane / 4, block, lane % 4, 1);
      multiply(scores[n], q[block][0], low.x, low.y);
      multiply(scores[n], q[block][1], low.z, low.w);
      multiply(scores[n], q[block][2], high.x, high.y);
      multiply(scores[n], q[block][3], high.z, high.w);
    }
  }
}

/// Scores become weights exp2(score - top); what was summed before is brought to the new top.
template <int kBlocks>
__device__ __forceinline__ void soften(const AttentionTask& task,
                                       const LaneRows& rows,
                                       int first_key,
                                       float (&scores)[8][4],
                                       State<kBlocks>& state) {
  const float scale = task.scale * kLog2e;
  float top[2] = {state.top[0], state.top[1]};
#pragma unroll
  for (int n = 0; n < 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int key = first_key + n * 8 + static_cast<int>(threadIdx.x) % 4 * 2 + i % 2;
      const int position = rows.position[i / 2];
      const bool is_seen = key <= position && (task.window == 0 || position - key < task.window);
      scores[n][i] = is_seen ? scores[n][i] * scale : -INFINITY;
      top[i / 2] = fmaxf(top[i / 2], scores[n][i]);
    }
  }
  float factor[2], base[2], added[2] = {0.0F, 0.0F};
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    top[k] = fmaxf(top[k], __shfl_xor_sync(0xFFFFFFFFU, top[k], 1));
    top[k] = fmaxf(top[k], __shfl_xor_sync(0xFFFFFFFFU, top[k], 2));
    base[k] = top[k] == -INFINITY ? 0.0F : top[k];  // nothing seen yet: every weight is zero
    factor[k] = exp2f(state.top[k] - base[k]);
    state.top[k] = top[k];
  }
#pragma unroll
  for (int n = 0; n < 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      scores[n][i] = exp2f(scores[n][i] - base[i / 2]);
      added[i / 2] += scores[n][i];
    }
  }
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    state.weight[k] = state.weight[k] * factor[k] + added[k];
  }
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int t = 0; t < 8; ++t) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        state.sums[block][t][i] *= factor[i / 2];
      }
    }
  }
}

__device__ __forceinline__ std::uint32_t word_at(const uint4& x, int i) {
  return i == 0 ? x.x : i == 1 ? x.y : i == 2 ? x.z : x.w;
}

/// sums += weights * values, keys 16 at a time. Values of keys behind the end are zero, whatever
/// lies there.
template <int kBlocks, class Page>
__device__ __forceinline__ void add_values(const Page& page,
                                           int n_keys,
                                           const float (&weights)[8][4],
                                           State<kBlocks>& state) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int step = 0; step < 4; ++step) {
    const std::uint32_t p[4] = {pack_halves(weights[2 * step][0], weights[2 * step][1]),
                                pack_halves(weights[2 * step][2], weights[2 * step][3]),
                                pack_halves(weights[2 * step + 1][0], weights[2 * step + 1][1]),
                                pack_halves(weights[2 * step + 1][2], weights[2 * step + 1][3])};
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      uint4 v[4];
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        const int key = step * 16 + lane % 4 * 2 + k / 2 * 8 + k % 2;
        v[k] = key < n_keys ? page.value(key, block, lane / 4) : uint4{0, 0, 0, 0};
      }
#pragma unroll
      for (int t = 0; t < 8; ++t) {
        const unsigned select = t % 2 == 0 ? 0x5410 : 0x7632;
        multiply(state.sums[block][t],
                 p,
                 __byte_perm(word_at(v[0], t / 2), word_at(v[1], t / 2), select),
                 __byte_perm(word_at(v[2], t / 2), word_at(v[3], t / 2), select));
      }
    }
  }
}

/// Pages that a tile of queries sees.
struct PageRange {
  int first, end;
};
__device__ __forceinline__ PageRange seen_pages(const AttentionTask& task,
                                                int first_position,
                                                int last_position) {
  const int first_key = task.window == 0 ? 0 : max(0, first_position - task.window + 1);
  return {first_key / kPage, last_position / kPage + 1};
}

/// Where a lane's sums of row k stand among 64 kBlocks columns: 16 in a row of each block.
template <int kBlocks, class Write>
__device__ __forceinline__ void for_outputs(const State<kBlocks>& state, int k, Write write) {
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int t = 0; t < 8; ++t) {
        write(block * 64 + static_cast<int>(threadIdx.x) % 4 * 16 + i * 8 + t,
              state.sums[block][t][2 * k + i]);
      }
    }
  }
}

/// Adds `other`, whose top and weight are given, to one value under a top of its own.
struct Merged {
  float top, weight;
};
__device__ __forceinline__ Merged
merge(Merged a, float top, float weight, float& own_factor, float& other_factor) {
  const float new_top = fmaxf(a.top, top);
  const float base = new_top == -INFINITY ? 0.0F : new_top;
  own_factor = exp2f(a.top - base);
  other_factor = exp2f(top - base);
  return {new_top, a.weight * own_factor + weight * other_factor};
}

/// Makes the sums of the four warps, which saw different keys, those of warp 0, in order.
template <int kBlocks>
__device__ void merge_warps(State<kBlocks>& state, float* shared) {
  constexpr int kFloats = kBlocks * 8 * 4 + 4;
  const int warp = static_cast<int>(threadIdx.x) / kWarp,
            lane = static_cast<int>(threadIdx.x) % kWarp;
  float* const own = shared + (warp * kFloats) * kWarp + lane;
  const float* const flat = &state.sums[0][0][0];
  if (warp > 0) {
#pragma unroll
    for (int i = 0; i < kBlocks * 32; ++i) {
      own[i * kWarp] = flat[i];
    }
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      own[(kBlocks * 32 + k) * kWarp] = state.top[k];
      own[(kBlocks * 32 + 2 + k) * kWarp] = state.weight[k];
    }
  }
  __syncthreads();
  for (int other = 1; warp == 0 && other < kWarps; ++other) {
    const float* const from = shared + (other * kFloats) * kWarp + lane;
    float own_factor[2], other_factor[2];
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      const Merged both = merge({state.top[k], state.weight[k]},
                                from[(kBlocks * 32 + k) * kWarp],
                                from[(kBlocks * 32 + 2 + k) * kWarp],
                                own_factor[k],
                                other_factor[k]);
      state.top[k] = both.top;
      state.weight[k] = both.weight;
    }
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int t = 0; t < 8; ++t) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float& sum = state.sums[block][t][i];
          sum = sum * own_factor[i / 2] +
                from[((block * 8 + t) * 4 + i) * kWarp] * other_factor[i / 2];
        }
      }
    }
  }
}

/// Writes what a lane's rows came to: outputs, or sums, tops and weights of a part of the keys.
template <int kBlocks>
__device__ __forceinline__ void write_state(const AttentionTask& task,
                                            const LaneRows& rows,
                                            int first_row,
                                            const State<kBlocks>& state) {
  constexpr int kDim = kBlocks * 64;
  const int n_rows = task.is_wide ? kWideRows : kNarrowRows;
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    if (task.n_splits > 1) {
      const std::size_t place =
          (static_cast<std::size_t>(blockIdx.x) * gridDim.y + blockIdx.y) * gridDim.z + blockIdx.z;
      const int row = first_row + static_cast<int>(threadIdx.x) % kWarp / 4 + 8 * k;
      float* const to = task.partial + (place * n_rows + row) * (kDim + 2);
      for_outputs(state, k, [to](int column, float sum) { to[column] = sum; });
      if (threadIdx.x % 4 == 0) {
        to[kDim] = state.top[k];
        to[kDim + 1] = state.weight[k];
      }
    } else if (rows.position[k] >= 0) {
      __half* const to =
          static_cast<__half*>(task.out) +
          (static_cast<std::size_t>(rows.token[k]) * task.shape.n_heads + rows.head[k]) * kDim;
      const float weight = state.weight[k];  // divided as combine_kernel does: the same bits
      for_outputs(state, k, [to, weight](int column, float sum) {
        to[column] = limited_half(sum / weight);
      });
    }
  }
}

/// Grid: tiles, key/value heads, parts of the keys. In wide tiles each warp has rows of its own; in
/// narrow ones all have the same rows, and each every fourth page.
template <int kBlocks, bool kIsWide>
__global__ void __launch_bounds__(kWarps* kWarp) attention_kernel(const AttentionTask task) {
  extern __shared__ float shared[];
  let_next_kernel_start();
  wait_for_earlier_kernels();
  const QueryTile tile = task.tiles[blockIdx.x];
  const int kv_head = static_cast<int>(blockIdx.y), warp = static_cast<int>(threadIdx.x) / kWarp;
  const int first_row = kIsWide ? warp * 16 : 0;
  const LaneRows rows = rows_of_lane(task, tile, kv_head, first_row);
  const int last_position = task.batch.positions[tile.first_token + tile.n_tokens - 1];
  PageRange range = seen_pages(task, task.batch.positions[tile.first_token], last_position);
  const int part = static_cast<int>(blockIdx.z) * task.pages_per_split;
  range.first = max(range.first, part);
  if (blockIdx.z + 1 < gridDim.z) {
    range.end = min(range.end, part + task.pages_per_split);
  }

  std::uint32_t q[kBlocks][4][4];
  read_queries<kBlocks>(task, rows, q);
  State<kBlocks> state{};
  state.top[0] = state.top[1] = -INFINITY;
  const std::uint64_t* const pages =
      task.batch.pages + task.batch.first_page[task.batch.sequence_of[tile.first_token]];
  const std::size_t head_halves = static_cast<std::size_t>(kPage) * kBlocks * 64;
  const std::size_t keys_at =
      (static_cast<std::size_t>(task.shape.layer) * 2 * task.shape.n_kv_heads + kv_head) *
      head_halves;
  const std::size_t values_at = keys_at + task.shape.n_kv_heads * head_halves;
  const auto page_at = [&](int page) {
    const auto* const base = reinterpret_cast<const __half*>(pages[page]);
    return GlobalPage<kBlocks>{base + keys_at, base + values_at};
  };
  const auto add_page = [&](const auto& page, int index) {
    float scores[8][4];
    multiply_keys<kBlocks>(page, q, scores);
    soften<kBlocks>(task, rows, index * kPage, scores, state);
    add_values<kBlocks>(page, last_position + 1 - index * kPage, scores, state);
  };
  if constexpr (kIsWide) {
    // Two pages in shared memory: one is read, one is on its way.
    char* const bytes = reinterpret_cast<char*>(shared);
    using Copied = SharedPage<kBlocks>;
    if (range.first < range.end) {
      Copied{bytes}.copy(page_at(range.first));
    }
    commit_copies();
    for (int page = range.first; page < range.end; ++page) {
      const int turn = (page - range.first) % 2;
      if (page + 1 < range.end) {
        Copied{bytes + (1 - turn) * Copied::kBytes}.copy(page_at(page + 1));
      }
      commit_copies();
      wait_for_copies<1>();
      __syncthreads();
      add_page(Copied{bytes + turn * Copied::kBytes}, page);
      __syncthreads();
    }
  } else {
    // Which warp takes a page depends on the page alone, so that no other query changes the order.
    const int first = range.first + ((warp - range.first) % kWarps + kWarps) % kWarps;
    for (int page = first; page < range.end; page += kWarps) {
      add_page(page_at(page), page);
    }
  }
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    state.weight[k] += __shfl_xor_sync(0xFFFFFFFFU, state.weight[k], 1);
    state.weight[k] += __shfl_xor_sync(0xFFFFFFFFU, state.weight[k], 2);
  }
  if constexpr (!kIsWide) {
    merge_warps(state, shared);
    if (warp > 0) {
      return;
    }
  }
  write_state(task, rows, first_row, state);
}

/// The parts of the keys together, in order. Grid: tiles, key/value heads; a warp takes a row.
template <int kDim>
__global__ void __launch_bounds__(kWarps* kWarp) combine_kernel(const AttentionTask task) {
  let_next_kernel_start();
  wait_for_earlier_kernels();
  const QueryTile tile = task.tiles[blockIdx.x];
  const int per_group = task.shape.n_heads / task.shape.n_kv_heads;
  const int n_rows = task.is_wide ? kWideRows : kNarrowRows;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::size_t place =
      (static_cast<std::size_t>(blockIdx.x) * gridDim.y + blockIdx.y) * task.n_splits;
  for (int row = static_cast<int>(threadIdx.x) / kWarp; row < tile.n_tokens * per_group;
       row += kWarps) {
    Merged all{-INFINITY, 0.0F};
    float sums[kDim / kWarp] = {};
    for (int part = 0; part < task.n_splits; ++part) {
      const float* const from = task.partial + ((place + part) * n_rows + row) * (kDim + 2);
      float own_factor = 0.0F, other_factor = 0.0F;
      all = merge(all, __ldcg(from + kDim), __ldcg(from + kDim + 1), own_factor, other_factor);
#pragma unroll
      for (int i = 0; i < kDim / kWarp; ++i) {
        sums[i] = sums[i] * own_factor + __ldcg(from + i * kWarp + lane) * other_factor;
      }
    }
    const std::size_t token = static_cast<std::size_t>(tile.first_token + row / per_group);
    __half* const to =
        static_cast<__half*>(task.out) +
        (token * task.shape.n_heads + blockIdx.y * per_group + row % per_group) * kDim;
#pragma unroll
    for (int i = 0; i < kDim / kWarp; ++i) {
      to[i * kWarp + lane] = limited_half(sums[i] / all.weight);
    }
  }
}

template <int kBlocks>
void launch_attention(const AttentionTask& task, Stream stream) {
  const dim3 grid(static_cast<unsigned>(task.n_tiles),
                  static_cast<unsigned>(task.shape.n_kv_heads),
                  static_cast<unsigned>(task.n_splits));
  if (task.is_wide) {
    constexpr std::size_t kBytes = 2 * SharedPage<kBlocks>::kBytes;
    static const bool is_set = cudaFuncSetAttribute(attention_kernel<kBlocks, true>,
                                                    cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                    static_cast<int>(kBytes)) == cudaSuccess;
    static_cast<void>(is_set);
    launch(attention_kernel<kBlocks, true>, grid, kWarps * kWarp, kBytes, stream, task);
  } else {
    constexpr std::size_t kBytes =
        static_cast<std::size_t>(kWarps) * (kBlocks * 32 + 4) * kWarp * 4;
    static const bool is_set = cudaFuncSetAttribute(attention_kernel<kBlocks, false>,
                                                    cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                    static_cast<int>(kBytes)) == cudaSuccess;
    static_cast<void>(is_set);
    launch(attention_kernel<kBlocks, false>, grid, kWarps * kWarp, kBytes, stream, task);
  }
  if (task.n_splits > 1) {
    launch(combine_kernel<kBlocks * 64>, dim3(grid.x, grid.y), kWarps * kWarp, 0, stream, task);
  }
}

}  // namespace

void attention(const AttentionTask& task, Stream stream) {
  task.shape.head_dim == 64 ? launch_attention<1>(task, stream) : launch_attention<2>(task, stream);
}

}  // namespace nibble::kernels::cuda
