// Attention of one new token a sequence: what RoPE and the pages need is done on the way.
//
// A block sees one key/value head of one sequence and every n-th of its pages; a cluster sees all.
// Four warps take 16 keys of a page each. Pages hold what earlier passes left, so that the first is
// on its way, and the angles of RoPE are there, before the kernel that makes the queries has ended;
// the new key and value go to the page and, for this pass, to its copy in shared memory. The parts
// are added in the order of warps and blocks.
//
// Keys in parts and their combination follow Dao et al. 2023, Flash-Decoding.
#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/pipeline.cuh"
#include "kernels/cuda/rotate.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = kAttentionWarps * kWarp;
/// Keys of a page that a warp takes.
constexpr int kKeysOfWarp = kPage / kAttentionWarps;
/// Most blocks of a cluster, and blocks in all beyond which no more parts are made.
constexpr int kMostSplits = 8;
constexpr int kEnoughBlocks = 264;

/// Part of the keys of a page.
template <int kBlocks>
struct PartOfPage {
  SharedPage<kBlocks> page;
  int first;

  __device__ uint4 key(int key_, int block, int quarter, int half) const {
    return page.key(first + key_, block, quarter, half);
  }
  __device__ uint4 value(int key_, int block, int eighth) const {
    return page.value(first + key_, block, eighth);
  }
};

/// The sums of a row under a top: [rows][dim] sums, then [rows] tops, then [rows] weights. Fours of
/// columns change places, so that the lanes that store them meet all banks.
struct Parts {
  float* sums;
  float* tops;
  float* weights;

  /// The place of column `col` of a row of `dim`.
  __device__ static int place(int row, int col, int dim) {
    const int four = col / 4;
    return row * dim + (four ^ (four >> 2 & 3) ^ (row & 1) << 2) * 4 + col % 4;
  }

  __device__ static Parts at(float* from, int n_rows, int dim) {
    return {from, from + n_rows * dim, from + n_rows * (dim + 1)};
  }
  /// A multiple of 16 bytes.
  __host__ __device__ static constexpr int floats(int n_rows, int dim) {
    return (n_rows * (dim + 2) + 3) / 4 * 4;
  }
};

/// What a block works on.
template <int kBlocks>
struct DecodeBlock {
  static constexpr int kDim = kBlocks * 64;
  int token, kv_head, per_group;
  int position;
  int first_page, end_page;  ///< of the sequence, that the query sees
  const std::uint64_t* pages;
  std::size_t keys_at, values_at;  ///< halves from the start of a page

  __device__ DecodeBlock(const AttentionTask& task)
      : token(static_cast<int>(blockIdx.x)),
        kv_head(static_cast<int>(blockIdx.y)),
        per_group(task.shape.n_heads / task.shape.n_kv_heads),
        position(task.batch.positions[token]) {
    const int first_key = task.window == 0 ? 0 : max(0, position - task.window + 1);
    first_page = first_key / kPage;
    end_page = position / kPage + 1;
    pages = task.batch.pages + task.batch.first_page[task.batch.sequence_of[token]];
    constexpr std::size_t kHeadHalves = static_cast<std::size_t>(kPage) * kDim;
    keys_at = (static_cast<std::size_t>(task.shape.layer) * 2 * task.shape.n_kv_heads + kv_head) *
              kHeadHalves;
    values_at = keys_at + task.shape.n_kv_heads * kHeadHalves;
  }
  /// The page that this block takes after `n` others.
  __device__ int page_of(int n) const {
    return first_page + static_cast<int>(blockIdx.z) + n * static_cast<int>(gridDim.z);
  }
  __device__ GlobalPage<kBlocks> page_at(int page) const {
    const auto* const base = reinterpret_cast<const __half*>(pages[page]);
    return {base + keys_at, base + values_at};
  }
  /// Starts the copy of the keys that earlier passes left in a page.
  __device__ void copy(int page, char* to) const {
    if (page < end_page) {
      SharedPage<kBlocks>{to}.copy(page_at(page), min(kPage, position - page * kPage));
    }
    commit_copies();
  }
};

/// The rows of a lane: queries of one token, heads lane / 4 and lane / 4 + 8 of the group.
template <int kBlocks>
__device__ __forceinline__ LaneRows rows_of(const DecodeBlock<kBlocks>& block) {
  LaneRows rows;
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    const int row = static_cast<int>(threadIdx.x) % kWarp / 4 + 8 * k;
    rows.token[k] = block.token;
    rows.head[k] = block.kv_head * block.per_group + row;
    rows.position[k] = row < block.per_group ? block.position : -1;
  }
  return rows;
}

/// Bias, norm and RoPE of one head; `head` counts q, k and v heads.
template <int kBlocks>
__device__ __forceinline__ void prepare_head(
    const RopeTask& rope, const float* norm, int head, const float2* angles, LaneHead<kBlocks>& x) {
  float values[kBlocks][16];
  x.to_floats(values);
  LaneHead<kBlocks>::add(values, rope.bias == nullptr ? nullptr : rope.bias + head * kBlocks * 64);
  if (norm != nullptr) {
    normalize_head(values, norm, rope.epsilon);
  }
  turn_head(values, angles);
  x.from_floats(values);
}

/// The queries of a lane's rows as operands.
template <int kBlocks>
__device__ __forceinline__ void prepare_queries(const RopeTask& rope,
                                                const LaneRows& rows,
                                                const float2* angles,
                                                LaneHead<kBlocks> (&heads)[2],
                                                std::uint32_t (&q)[kBlocks][4][4]) {
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    if (k == 0 || rope.shape.n_heads / rope.shape.n_kv_heads > 8) {
      // A row that is not there borrows the bias of one that is.
      const int head = rows.position[k] >= 0 ? rows.head[k] : 0;
      prepare_head(rope, rope.q_norm, head, angles, heads[k]);
    }
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint4& x = heads[k].words[block][half];
        q[block][2 * half][k] = x.x;
        q[block][2 * half][2 + k] = x.y;
        q[block][2 * half + 1][k] = x.z;
        q[block][2 * half + 1][2 + k] = x.w;
      }
    }
  }
}

/// The head of qkv that a warp keeps: the key of warp 0, the value of warp 1.
__device__ __forceinline__ int new_head(const KvShape& shape, int kv_head) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  return shape.n_heads + (warp == 0 ? 0 : shape.n_kv_heads) + kv_head;
}

/// The new key or value as it is kept; of four lanes.
template <int kBlocks>
__device__ __forceinline__ LaneHead<kBlocks> prepare_new(const RopeTask& rope,
                                                         const DecodeBlock<kBlocks>& block,
                                                         LaneHead<kBlocks> x,
                                                         const float2* angles) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int head = new_head(rope.shape, block.kv_head);
  if (warp == 0) {
    prepare_head(rope, rope.k_norm, head, angles, x);
  } else if (rope.bias != nullptr) {
    float values[kBlocks][16];
    x.to_floats(values);
    LaneHead<kBlocks>::add(values, rope.bias + head * kBlocks * 64);
    x.from_floats(values);
  }
  return x;
}

/// Puts it into the copy of the last page, or into the page itself.
template <int kBlocks>
__device__ __forceinline__ void keep_new(const DecodeBlock<kBlocks>& block,
                                         const LaneHead<kBlocks>& x,
                                         char* copy) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp,
            lane = static_cast<int>(threadIdx.x) % kWarp;
  if (warp > 1 || lane > 3) {
    return;
  }
  const bool is_value = warp == 1;
  const int slot = block.position % kPage;
  const GlobalPage<kBlocks> page = block.page_at(block.end_page - 1);
  auto* const kept = reinterpret_cast<uint4*>(
      const_cast<__half*>(is_value ? page.values : page.keys) + slot * kBlocks * 64);
  using Page = SharedPage<kBlocks>;
#pragma unroll
  for (int part = 0; part < kBlocks; ++part) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int chunk = lane * 2 + half;
      const int place = is_value ? Page::value_chunk(slot, chunk) : Page::key_chunk(slot, chunk);
      uint4* const to = copy == nullptr ? kept + part * 8 + chunk
                                        : Page{copy}.place(is_value ? 1 : 0, part, slot, place);
      *to = x.words[part][half];
    }
  }
}

/// A warp's sums to where the block's meet.
template <int kBlocks>
__device__ __forceinline__ void store_state(State<kBlocks>& state, int n_rows, const Parts& to) {
  constexpr int kDim = kBlocks * 64;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    state.weight[k] += __shfl_xor_sync(0xFFFFFFFFU, state.weight[k], 1);
    state.weight[k] += __shfl_xor_sync(0xFFFFFFFFU, state.weight[k], 2);
    const int row = lane / 4 + 8 * k;
    if (row < n_rows) {
#pragma unroll
      for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int col = block * 64 + lane % 4 * 16 + i * 8, at = 2 * k + i;
          const auto& sums = state.sums[block];
          *reinterpret_cast<float4*>(to.sums + Parts::place(row, col, kDim)) =
              float4{sums[0][at], sums[1][at], sums[2][at], sums[3][at]};
          *reinterpret_cast<float4*>(to.sums + Parts::place(row, col + 4, kDim)) =
              float4{sums[4][at], sums[5][at], sums[6][at], sums[7][at]};
        }
      }
      if (lane % 4 == 0) {
        to.tops[row] = state.top[k];
        to.weights[row] = state.weight[k];
      }
    }
  }
}

/// One column of one row over `n` parts: the sum under their common top, which and whose weight go
/// out too. `read(float*, i)` reads a float of part i.
template <class Read>
__device__ __forceinline__ float merge_parts(
    int n, const Parts& at, int row, int place, const Read& read, float& top, float& weight) {
  top = -INFINITY;
  for (int i = 0; i < n; ++i) {
    top = fmaxf(top, read(at.tops + row, i));
  }
  const float base = top == -INFINITY ? 0.0F : top;
  float sum = 0.0F;
  weight = 0.0F;
  for (int i = 0; i < n; ++i) {
    const float factor = exp2f(read(at.tops + row, i) - base);
    weight += read(at.weights + row, i) * factor;
    sum += read(at.sums + place, i) * factor;
  }
  return sum;
}

/// The four warps' parts become the block's, and those of the cluster the output.
template <int kBlocks>
__device__ __forceinline__ void finish_decode(const AttentionTask& task,
                                              const DecodeBlock<kBlocks>& block,
                                              float* of_warps,
                                              float* of_block) {
  constexpr int kDim = kBlocks * 64;
  const int n_rows = block.per_group, n_all = n_rows * kDim;
  const int warp_floats = Parts::floats(n_rows, kDim);
  const int first_col = block.kv_head * block.per_group * kDim;
  const Parts warps = Parts::at(of_warps, n_rows, kDim), own = Parts::at(of_block, n_rows, kDim);
  const bool is_alone = gridDim.z == 1;
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < n_all; i += kThreads) {
    const int row = i / kDim, place = Parts::place(row, i % kDim, kDim);
    float top = 0.0F, weight = 0.0F;
    const float sum = merge_parts(
        kAttentionWarps,
        warps,
        row,
        place,
        [warp_floats](const float* at, int other) { return at[other * warp_floats]; },
        top,
        weight);
    if (is_alone) {
      *place_of_output(task, block.token, first_col + i) = limited_half(sum / weight);
    } else {
      own.sums[i] = sum;
      if (i % kDim == 0) {
        own.tops[row] = top;
        own.weights[row] = weight;
      }
    }
  }
  if (is_alone) {
    return;
  }
  synchronize_cluster();
  for (int i = static_cast<int>(blockIdx.z) * kThreads + static_cast<int>(threadIdx.x); i < n_all;
       i += kThreads * static_cast<int>(gridDim.z)) {
    float top = 0.0F, weight = 0.0F;
    const float sum =
        merge_parts(static_cast<int>(gridDim.z), own, i / kDim, i, &read_of_block, top, weight);
    *place_of_output(task, block.token, first_col + i) = limited_half(sum / weight);
  }
  synchronize_cluster();
}

/// Grid: tokens, key/value heads, parts of the pages, which form a cluster.
template <int kBlocks>
__global__ void __launch_bounds__(kThreads, 3)
    decode_kernel(const __grid_constant__ AttentionTask task,
                  const __grid_constant__ RopeTask rope) {
  extern __shared__ __align__(128) char shared[];
  // Nothing of a pass writes tokens' places before its last kernel, nor pages but their new slots.
  const DecodeBlock<kBlocks> block(task);
  constexpr int kPageBytes = SharedPage<kBlocks>::kBytes;
  const int n_buffers = task.pages_per_split > 1 ? 2 : 1;
  block.copy(block.page_of(0), shared);
  auto* const angles = reinterpret_cast<float2*>(shared + n_buffers * kPageBytes);
  make_angles<kBlocks>(static_cast<float>(block.position), rope.inverse_frequency, angles);
  __syncthreads();
  const LaneRows rows = rows_of(block);
  const int n_heads = task.shape.n_heads + 2 * task.shape.n_kv_heads;
  const __half* const line = static_cast<const __half*>(task.qkv) +
                             static_cast<std::size_t>(block.token) * n_heads * kBlocks * 64;
  follow_earlier_kernels();

  LaneHead<kBlocks> asked[2], added;
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    asked[k].read(line + rows.head[k] * kBlocks * 64, rows.position[k] >= 0);
  }
  added.read(line + new_head(rope.shape, block.kv_head) * kBlocks * 64,
             threadIdx.x / kWarp < 2 && threadIdx.x % kWarp < 4);
  std::uint32_t q[kBlocks][4][4];
  prepare_queries(rope, rows, angles, asked, q);
  added = prepare_new(rope, block, added, angles);
  State<kBlocks> state{};
  state.top[0] = state.top[1] = -INFINITY;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  for (int n = 0, page = block.page_of(0); page < block.end_page; ++n, page = block.page_of(n)) {
    char* const copy = shared + n % n_buffers * kPageBytes;
    if (page == block.end_page - 1) {
      keep_new(block, added, copy);
    }
    if (n_buffers > 1) {
      block.copy(block.page_of(n + 1), shared + (n + 1) % n_buffers * kPageBytes);
      wait_for_copies<1>();
    } else {
      wait_for_copies<0>();
    }
    __syncthreads();
    const int first_key = page * kPage + warp * kKeysOfWarp;
    if (first_key <= block.position) {
      const PartOfPage<kBlocks> part{{copy}, warp * kKeysOfWarp};
      float scores[kKeysOfWarp / 8][4];
      multiply_keys(part, q, scores);
      soften(task, rows, first_key, scores, state);
      add_values(part, block.position + 1 - first_key, scores, state);
    }
    __syncthreads();  // all have read what the next copy overwrites
  }
  wait_for_copies<0>();

  float* const of_warps = reinterpret_cast<float*>(shared);  // nobody reads pages any more
  const int warp_floats = Parts::floats(block.per_group, kBlocks * 64);
  store_state(state,
              block.per_group,
              Parts::at(of_warps + warp * warp_floats, block.per_group, kBlocks * 64));
  finish_decode(task, block, of_warps, of_warps + kAttentionWarps * warp_floats);
  if ((block.end_page - 1 - block.page_of(0)) % static_cast<int>(gridDim.z) == 0) {
    keep_new(block, added, nullptr);  // behind what others wait for
  }
}

/// Blocks that share the pages of a sequence: a power of two.
int splits_of(const AttentionTask& task, int most_pages) {
  int n_splits = 1;
  while (n_splits < kMostSplits && n_splits * 2 <= most_pages &&
         task.batch.n_tokens * task.shape.n_kv_heads * n_splits * 2 <= kEnoughBlocks) {
    n_splits *= 2;
  }
  return n_splits;
}

template <int kBlocks>
void launch_decode(const RopeTask& rope, AttentionTask task, Stream stream) {
  const int most_pages = task.n_splits * task.pages_per_split;
  task.n_splits = splits_of(task, most_pages);
  task.pages_per_split = (most_pages + task.n_splits - 1) / task.n_splits;
  const auto n_splits = static_cast<unsigned>(task.n_splits);
  static const bool is_set = cudaFuncSetAttribute(decode_kernel<kBlocks>,
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  device_limits.block_bytes) == cudaSuccess;
  static_cast<void>(is_set);
  const int part_floats = Parts::floats(task.shape.n_heads / task.shape.n_kv_heads, kBlocks * 64);
  const std::size_t page_bytes =
      static_cast<std::size_t>(task.pages_per_split > 1 ? 2 : 1) * SharedPage<kBlocks>::kBytes +
      kBlocks * 32 * sizeof(float2);
  const std::size_t part_bytes =
      static_cast<std::size_t>((kAttentionWarps + 1) * part_floats) * sizeof(float);
  const std::size_t shared_bytes = part_bytes > page_bytes ? part_bytes : page_bytes;
  launch_clusters(decode_kernel<kBlocks>,
                  dim3(static_cast<unsigned>(task.batch.n_tokens),
                       static_cast<unsigned>(task.shape.n_kv_heads),
                       n_splits),
                  dim3(1, 1, n_splits),
                  kThreads,
                  shared_bytes,
                  stream,
                  task,
                  rope);
}

}  // namespace

bool decode_attention(const RopeTask& rope, const AttentionTask& task, Stream stream) {
  if (!device_limits.is_hopper) {
    return false;
  }
  task.shape.head_dim == 64 ? launch_decode<1>(rope, task, stream)
                            : launch_decode<2>(rope, task, stream);
  return true;
}

}  // namespace nibble::kernels::cuda
