// Causal grouped-query attention over pages.
//
// A warp takes 16 rows (attention_tile.cuh) and 64 keys of a page at a time. Keys in parts and
// their combination follow Dao et al. 2023, Flash-Decoding.
#include "kernels/cuda/attention/parts.cuh"
#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

/// Grid: tiles, key/value heads, parts of the keys. In wide tiles each warp has rows of its own; in
/// narrow ones all have the same rows, and each every fourth page.
template <int kBlocks, bool kIsWide>
__global__ void __launch_bounds__(kAttentionWarps* kWarp)
    attention_kernel(const AttentionTask task) {
  extern __shared__ float shared[];
  follow_earlier_kernels();
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
    multiply_keys(page, q, scores);
    soften(task, rows, index * kPage, scores, state);
    add_values(page, last_position + 1 - index * kPage, scores, state);
  };
  if constexpr (kIsWide) {
    // Two pages in shared memory: one is read, one is on its way.
    char* const bytes = reinterpret_cast<char*>(shared);
    using Copied = SharedPage<kBlocks>;
    if (range.first < range.end) {
      Copied{bytes}.copy(page_at(range.first), kPage);
    }
    commit_copies();
    for (int page = range.first; page < range.end; ++page) {
      const int turn = (page - range.first) % 2;
      if (page + 1 < range.end) {
        Copied{bytes + (1 - turn) * Copied::kBytes}.copy(page_at(page + 1), kPage);
      }
      commit_copies();
      wait_for_copies<1>();
      __syncthreads();
      add_page(Copied{bytes + turn * Copied::kBytes}, page);
      __syncthreads();
    }
  } else {
    // Which warp takes a page depends on the page alone, so that no other query changes the order.
    const int first =
        range.first + ((warp - range.first) % kAttentionWarps + kAttentionWarps) % kAttentionWarps;
    for (int page = first; page < range.end; page += kAttentionWarps) {
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
    launch(attention_kernel<kBlocks, true>, grid, kAttentionWarps * kWarp, kBytes, stream, task);
  } else {
    constexpr std::size_t kBytes = merge_bytes<kBlocks>();
    static const bool is_set = cudaFuncSetAttribute(attention_kernel<kBlocks, false>,
                                                    cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                    static_cast<int>(kBytes)) == cudaSuccess;
    static_cast<void>(is_set);
    launch(attention_kernel<kBlocks, false>, grid, kAttentionWarps * kWarp, kBytes, stream, task);
  }
  if (task.n_splits > 1) {
    launch(combine_kernel<kBlocks * 64>,
           dim3(grid.x, grid.y),
           kAttentionWarps * kWarp,
           0,
           stream,
           task);
  }
}

}  // namespace

void attention(const AttentionTask& task, Stream stream) {
  task.shape.head_dim == 64 ? launch_attention<1>(task, stream) : launch_attention<2>(task, stream);
}

}  // namespace nibble::kernels::cuda
