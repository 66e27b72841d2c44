// Causal grouped-query attention over pages of any kind, for any number of rows.
//
// A block brings the keys and values of a page into shared memory as binary16, whatever they are
// coded in, and multiplies them with the matrix units. What a row sees of a page as codes and what
// as floats are pieces of keys that follow one another, [coded, coded), [coded, float) and
// [float, float) keys and values, and each piece is a step of the same running softmax: rows of
// different positions share a page although its pieces end elsewhere for each.
#include "kernels/cuda/attention/page_fill.cuh"
#include "kernels/cuda/attention/parts.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kNoEnd = 0x7FFFFFFF;

/// The end of the keys, and of the values, that a query at `position` sees coded.
struct CodedEnds {
  int keys, values;
};
__device__ __forceinline__ CodedEnds coded_ends(const KvPages& kv, int position) {
  if (kv.keys.kind == PageKind::kFloat) {
    return {0, 0};
  }
  if (kv.residual == 0) {
    return {kNoEnd, kNoEnd};
  }
  return {position - position % kv.residual, max(0, position - kv.residual)};
}

/// Keys that a row sees in one piece.
struct KeyRange {
  int begin[2], end[2];  ///< of a lane's two rows
};

/// Keys `first` and on of a page.
template <int kBlocks>
struct PageFrom {
  SharedPage<kBlocks> page;
  int first;

  __device__ uint4 key(int key_, int block, int quarter, int half) const {
    return page.key(first + key_, block, quarter, half);
  }
  __device__ uint4 value(int key_, int block, int eighth) const {
    return page.value(first + key_, block, eighth);
  }
};

/// What a block works on.
template <int kBlocks, bool kIsWide>
struct PageWalk {
  /// Keys that a warp multiplies at a time.
  static constexpr int kStep = kIsWide && kBlocks <= 2 ? 32 : 16;

  const AttentionTask& task;
  const KvPages& kv;
  const LaneRows& rows;
  const std::uint32_t (&q)[kBlocks][4][4];
  State<kBlocks>& state;
  SharedPage<kBlocks> shared;
  int sequence_page;  ///< entry of the sequence's first page
  int kv_head;
  int first_position, last_position;

  __device__ __forceinline__ bool is_plain() const { return kv.keys.kind == PageKind::kFloat; }

  __device__ __forceinline__ FillPlace place(int page, bool is_value) const {
    const KvBlock& block = is_value ? kv.values : kv.keys;
    const std::uint64_t coded = task.batch.pages[sequence_page + page];
    const std::uint64_t beside = is_plain() ? coded
                                 : task.batch.floats == nullptr
                                     ? 0
                                     : task.batch.floats[sequence_page + page];
    const std::size_t head_at = block.floats_at + static_cast<std::size_t>(kv_head) *
                                                      kv.float_tokens * kBlocks * 64 *
                                                      sizeof(__half);
    const auto* const floats =
        beside == 0 ? nullptr : reinterpret_cast<const __half*>(beside + head_at);
    return {block,
            reinterpret_cast<const std::uint8_t*>(coded + block.at),
            floats,
            kv_head,
            min(kPage, last_position + 1 - page * kPage),
            is_value};
  }

  __device__ __forceinline__ void fill(int page, bool is_value, bool is_coded) const {
    const FillPlace from = place(page, is_value);
    if (is_coded) {
      decode_page(from, kv, page, shared);
    } else {
      copy_floats(from, shared);
    }
  }

  /// One piece of a page whose keys and values lie in shared memory.
  __device__ __forceinline__ void add_piece(int page, const KeyRange& range) const {
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    const int n_keys = last_position + 1 - page * kPage;
    const auto seen = [&](int k, int key) { return key >= range.begin[k] && key < range.end[k]; };
#pragma unroll 1
    for (int first = kIsWide ? 0 : warp * kStep; first < (kIsWide ? kPage : (warp + 1) * kStep);
         first += kStep) {
      if (first >= n_keys) {
        return;
      }
      const PageFrom<kBlocks> part{shared, first};
      float scores[kStep / 8][4];
      multiply_keys(part, q, scores);
      float scale = task.scale;
      if (task.softcap > 0.0F) {
        cap(scores);
        scale = 1.0F;
      }
      soften_where(scale * kLog2e, page * kPage + first, seen, scores, state);
      add_values(part, n_keys - first, scores, state);
    }
  }

  template <int kEights>
  __device__ __forceinline__ void cap(float (&scores)[kEights][4]) const {
#pragma unroll
    for (int n = 0; n < kEights; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        scores[n][i] = task.softcap * tanhf(scores[n][i] * task.scale / task.softcap);
      }
    }
  }

  /// Keys of the piece for a lane's rows, and whether a row of the tile has any in the page.
  enum Piece { kCodes, kCodedKeys, kFloats };
  __device__ __forceinline__ KeyRange range_of(Piece piece) const {
    KeyRange range;
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      const int position = rows.position[k];
      const CodedEnds ends = coded_ends(kv, max(position, 0));
      const int first = task.window == 0 ? 0 : max(0, position - task.window + 1);
      const int begin = piece == kCodes ? 0 : piece == kCodedKeys ? ends.values : ends.keys;
      const int end = piece == kCodes ? ends.values : piece == kCodedKeys ? ends.keys : kNoEnd;
      range.begin[k] = max(begin, first);
      range.end[k] = min(end, position + 1);  // 0 where there is no such row
    }
    return range;
  }
  __device__ __forceinline__ bool is_in_page(Piece piece, int page) const {
    const CodedEnds first = coded_ends(kv, first_position), last = coded_ends(kv, last_position);
    const int begin = page * kPage, end = begin + kPage;
    switch (piece) {
      case kCodes:
        return begin < last.values;
      case kCodedKeys:
        return begin < last.keys && end > first.values;
      default:
        return end > first.keys;
    }
  }

  __device__ __forceinline__ void add_page(int page) const {
    bool has_coded_keys = false;  // in shared memory
#pragma unroll 1
    for (int i = kCodes; i <= kFloats; ++i) {
      const auto piece = static_cast<Piece>(i);
      if (!is_in_page(piece, page)) {
        continue;
      }
      __syncthreads();  // all have read what lay there
      if (!(piece == kCodedKeys && has_coded_keys)) {
        fill(page, false, piece != kFloats);
      }
      fill(page, true, piece == kCodes);
      has_coded_keys = piece != kFloats;
      commit_copies();
      wait_for_copies<0>();
      __syncthreads();
      add_piece(page, range_of(piece));
    }
  }
};

/// Grid: tiles, key/value heads, parts of the keys. In wide tiles each warp has rows of its own; in
/// narrow ones all have the same rows, and each a quarter of every page.
template <int kBlocks, bool kIsWide>
__global__ void __launch_bounds__(kFillThreads, kBlocks <= 2 ? 3 : 2)
    paged_kernel(const __grid_constant__ AttentionTask task, const __grid_constant__ KvPages kv) {
  extern __shared__ __align__(128) char shared[];
  follow_earlier_kernels();
  const QueryTile tile = task.tiles[blockIdx.x];
  const int kv_head = static_cast<int>(blockIdx.y), warp = static_cast<int>(threadIdx.x) / kWarp;
  const int first_row = kIsWide ? warp * 16 : 0;
  const LaneRows rows = rows_of_lane(task, tile, kv_head, first_row);
  const int first_position = task.batch.positions[tile.first_token];
  const int last_position = task.batch.positions[tile.first_token + tile.n_tokens - 1];
  PageRange range = seen_pages(task, first_position, last_position);
  const int part = static_cast<int>(blockIdx.z) * task.pages_per_split;
  range.first = max(range.first, part);
  if (blockIdx.z + 1 < gridDim.z) {
    range.end = min(range.end, part + task.pages_per_split);
  }

  std::uint32_t q[kBlocks][4][4];
  read_queries<kBlocks>(task, rows, q);
  State<kBlocks> state{};
  state.top[0] = state.top[1] = -INFINITY;
  const PageWalk<kBlocks, kIsWide> walk{
      task,
      kv,
      rows,
      q,
      state,
      {shared},
      task.batch.first_page[task.batch.sequence_of[tile.first_token]],
      kv_head,
      first_position,
      last_position};
  for (int page = range.first; page < range.end; ++page) {
    walk.add_page(page);
  }
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    state.weight[k] += __shfl_xor_sync(0xFFFFFFFFU, state.weight[k], 1);
    state.weight[k] += __shfl_xor_sync(0xFFFFFFFFU, state.weight[k], 2);
  }
  if constexpr (!kIsWide) {
    __syncthreads();  // pages are read
    merge_warps(state, reinterpret_cast<float*>(shared));
    if (warp > 0) {
      return;
    }
  }
  write_state(task, rows, first_row, state);
}

template <int kBlocks, bool kIsWide>
void launch_paged(const AttentionTask& task, const KvPages& kv, Stream stream) {
  const dim3 grid(static_cast<unsigned>(task.n_tiles),
                  static_cast<unsigned>(task.shape.n_kv_heads),
                  static_cast<unsigned>(task.n_splits));
  constexpr std::size_t kPageBytes = SharedPage<kBlocks>::kBytes;
  constexpr std::size_t kMerged = kIsWide ? 0 : merge_bytes<kBlocks>();
  constexpr std::size_t kBytes = kMerged > kPageBytes ? kMerged : kPageBytes;
  static const bool is_set = cudaFuncSetAttribute(paged_kernel<kBlocks, kIsWide>,
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  static_cast<int>(kBytes)) == cudaSuccess;
  static_cast<void>(is_set);
  launch(paged_kernel<kBlocks, kIsWide>, grid, kFillThreads, kBytes, stream, task, kv);
  if (task.n_splits > 1) {
    launch(combine_kernel<kBlocks * 64>,
           dim3(grid.x, grid.y),
           kAttentionWarps * kWarp,
           0,
           stream,
           task);
  }
}

template <int kBlocks>
void launch_paged_of(const AttentionTask& task, const KvPages& kv, Stream stream) {
  task.is_wide ? launch_paged<kBlocks, true>(task, kv, stream)
               : launch_paged<kBlocks, false>(task, kv, stream);
}

}  // namespace

void page_attention(const AttentionTask& task, const KvPages& kv, Stream stream) {
  switch (task.shape.head_dim) {
    case 64:
      return launch_paged_of<1>(task, kv, stream);
    case 128:
      return launch_paged_of<2>(task, kv, stream);
    default:
      return launch_paged_of<4>(task, kv, stream);
  }
}

}  // namespace nibble::kernels::cuda
