// Keys and values on their way into pages of any kind: floats that are kept, codes, and the lists
// of outliers. The formulas, and the order of their roundings, are those of codec/kv (group_grid,
// levels, page_write): of the same halves they make the same bits.
//
// Two kernels: one for what a token needs alone, a block each; then one for what tokens of a page
// share, channels' codes and outliers, where the block of a page's first new token, or of the last
// one of 32, does the work of the others.
#include "kernels/cuda/attention/kv_pages.h"
#include "kernels/cuda/attention/page_fill.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kMostLevels = 16;

__device__ __forceinline__ float rounded(float x) {
  return __half2float(__float2half_rn(x));
}

__device__ __forceinline__ std::uint32_t or_of_warp(std::uint32_t x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x |= __shfl_xor_sync(0xFFFFFFFFU, x, step);
  }
  return x;
}

/// Where a new token stands.
struct NewToken {
  int row;  ///< of the batch
  int page, slot;
  std::uint8_t* coded;
  __half* floats;  ///< nullptr where none are kept

  __device__ NewToken(const StoreTask& task, int row_) : row(row_) {
    const int position = task.batch.positions[row];
    page = position / kPage;
    slot = position % kPage;
    const int entry = task.batch.first_page[task.batch.sequence_of[row]] + page;
    coded = reinterpret_cast<std::uint8_t*>(task.batch.pages[entry]);
    const bool is_coded = task.kv.keys.kind != PageKind::kFloat;
    const bool is_kept = !is_coded || task.kv.residual > 0 || position < task.kv.n_sinks;
    const std::uint64_t beside = !is_kept   ? 0
                                 : is_coded ? task.batch.floats[entry]
                                            : task.batch.pages[entry];
    floats = reinterpret_cast<__half*>(beside);
  }
};

__device__ __forceinline__ int width_of(const KvShape& shape) {
  return shape.n_kv_heads * shape.head_dim;
}

/// Keys, or values, of a row of qkv.
__device__ __forceinline__ const __half* heads_of(const StoreTask& task, int row, bool is_value) {
  const KvShape& shape = task.shape;
  const int n_all = shape.n_heads + 2 * shape.n_kv_heads;
  const int first = shape.n_heads + (is_value ? shape.n_kv_heads : 0);
  return static_cast<const __half*>(task.qkv) +
         (static_cast<std::size_t>(row) * n_all + first) * shape.head_dim;
}

/// Where the floats of a column of all heads lie in a page of floats.
__device__ __forceinline__ __half* float_place(
    const StoreTask& task, __half* page, const KvBlock& block, int slot, int column) {
  const int dim = task.shape.head_dim;
  const std::size_t line = static_cast<std::size_t>(column / dim) * task.kv.float_tokens + slot;
  return page + block.floats_at / sizeof(__half) + line * dim + column % dim;
}

__device__ __forceinline__ void keep_floats(const StoreTask& task,
                                            const NewToken& token,
                                            bool is_value) {
  const __half* const x = heads_of(task, token.row, is_value);
  const KvBlock& block = is_value ? task.kv.values : task.kv.keys;
  for (int i = static_cast<int>(threadIdx.x) * 8; i < width_of(task.shape); i += kThreads * 8) {
    *reinterpret_cast<uint4*>(float_place(task, token.floats, block, token.slot, i)) =
        __ldcg(reinterpret_cast<const uint4*>(x + i));
  }
}

/// A warp's 32 codes in a row of bits.
__device__ __forceinline__ void put_codes(std::uint32_t code, int bits, std::uint8_t* to) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int word = 0; word < bits; ++word) {
    const int shift = lane * bits - word * 32;
    std::uint32_t own = 0;
    if (shift >= 0 && shift < 32) {
      own = code << shift;
    } else if (shift < 0 && shift > -bits) {
      own = code >> -shift;
    }
    const std::uint32_t all = or_of_warp(own);
    if (lane == 0) {
      reinterpret_cast<std::uint32_t*>(to)[word] = all;
    }
  }
}

__device__ __forceinline__ void put_pair(std::uint8_t* pairs,
                                         int index,
                                         float factor,
                                         float offset) {
  reinterpret_cast<__half2*>(pairs)[index] = __floats2half2_rn(factor, offset);
}

/// A grid of halves, from the extremes of its group.
struct Grid {
  float scale, min, top;
  __device__ Grid(float least, float most, int bits) : min(least) {
    top = static_cast<float>((1 << bits) - 1);
    scale = rounded(__fdiv_rn(rounded(most - least), top));
    scale = scale > 0.0F ? scale : 0.0F;
  }
  __device__ std::uint32_t code(float x) const {
    if (scale == 0.0F) {
      return 0;
    }
    const float steps = rounded(__fdiv_rn(rounded(x - min), scale));
    return static_cast<std::uint32_t>(rintf(fminf(fmaxf(steps, 0.0F), top)));
  }
};

/// Groups of 32 channels of a token, a warp each.
__device__ void put_token_groups(const StoreTask& task, const NewToken& token, bool is_value) {
  const KvBlock& block = is_value ? task.kv.values : task.kv.keys;
  const __half* const x = heads_of(task, token.row, is_value);
  const int dim = task.shape.head_dim, n_grids = dim / kGridGroup;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int group = static_cast<int>(threadIdx.x) / kWarp; group < width_of(task.shape) / kGridGroup;
       group += kWarps) {
    const float own = __half2float(x[group * kGridGroup + lane]);
    float least = own, most = own;
#pragma unroll
    for (int step = kWarp / 2; step > 0; step /= 2) {
      least = fminf(least, __shfl_xor_sync(0xFFFFFFFFU, least, step));
      most = fmaxf(most, __shfl_xor_sync(0xFFFFFFFFU, most, step));
    }
    const Grid grid(least, most, block.bits);
    std::uint8_t* const head = token.coded + block.at + group / n_grids * block.head_bytes;
    const int at = token.slot * n_grids + group % n_grids;
    put_codes(grid.code(own), block.bits, head + at * kGridGroup / 8 * block.bits);
    if (lane == 0) {
      put_pair(head + block.pairs, at, grid.scale, grid.min);
    }
  }
}

/// The nearest of a few levels; their thresholds lie in shared memory.
struct LevelSearch {
  const float* thresholds;  ///< [kMostLevels]

  __device__ static void make(const KvBlock& block, float* thresholds) {
    const int i = static_cast<int>(threadIdx.x);
    if (i < kMostLevels) {
      const bool is_there = i + 1 < 1 << block.bits;
      thresholds[i] =
          is_there ? __fmul_rn(__fadd_rn(block.levels[i], block.levels[i + 1]), 0.5F) : INFINITY;
    }
  }
  __device__ std::uint32_t code(float middle, float half, float x) const {
    const float unit = half > 0.0F ? __fdiv_rn(x - middle, half) : 0.0F;
    std::uint32_t n_below = 0;
#pragma unroll
    for (int i = 0; i + 1 < kMostLevels; ++i) {
      n_below += unit > thresholds[i] ? 1 : 0;
    }
    return n_below;
  }
};

/// Ascending order in shared memory; n is a power of two.
__device__ void sort_ascending(float* x, int n) {
  for (int size = 2; size <= n; size *= 2) {
    for (int stride = size / 2; stride > 0; stride /= 2) {
      __syncthreads();
      for (int i = static_cast<int>(threadIdx.x); i < n / 2; i += kThreads) {
        const int low = i / stride * 2 * stride + i % stride, high = low + stride;
        const float a = x[low], b = x[high];
        const bool ascends = (low & size) == 0;
        if ((a > b) == ascends) {
          x[low] = b;
          x[high] = a;
        }
      }
    }
  }
  __syncthreads();
}

__device__ __forceinline__ int power_of_two_from(int n) {
  return 1 << (32 - __clz(n - 1));
}

__device__ __forceinline__ bool is_beyond(float2 cut, float x) {
  return x <= cut.x || x >= cut.y;
}

/// Quantile i of the sorted.
__device__ __forceinline__ float cut_of(const KvPages& kv, const float* sorted, int n, int i) {
  const int below = kv.cut_rank[i], above = min(below + 1, n - 1);
  return __fadd_rn(sorted[below],
                   __fmul_rn(kv.cut_weight[i], __fadd_rn(sorted[above], -sorted[below])));
}

/// All values of a token on levels within limits of its own. `sorted` has room for a power of two.
__device__ void put_token_levels(const StoreTask& task, const NewToken& token, float* sorted) {
  __shared__ float thresholds[kMostLevels];
  __shared__ float limits[2];
  const KvBlock& block = task.kv.values;
  const __half* const x = heads_of(task, token.row, true);
  const int width = width_of(task.shape), n_sorted = power_of_two_from(width);
  LevelSearch::make(block, thresholds);
  for (int i = static_cast<int>(threadIdx.x); i < n_sorted; i += kThreads) {
    sorted[i] = i < width ? __half2float(x[i]) : INFINITY;
  }
  sort_ascending(sorted, n_sorted);
  const float2 cut{cut_of(task.kv, sorted, width, 0), cut_of(task.kv, sorted, width, 1)};
  if (threadIdx.x % kWarp == 0 && threadIdx.x / kWarp < 2) {
    const bool is_upper = threadIdx.x != 0;
    int i = is_upper ? width - 1 : 0;
    const int step = is_upper ? -1 : 1;
    while (i >= 0 && i < width && is_beyond(cut, sorted[i])) {
      i += step;
    }
    // Where all are kept (they are equal, or two), the middle one stands for the rest.
    limits[is_upper ? 1 : 0] = sorted[i >= 0 && i < width ? i : (width - 1) / 2];
  }
  __syncthreads();
  const float half = rounded(__fmul_rn(__fadd_rn(limits[1], -limits[0]), 0.5F));
  const float middle = rounded(__fmul_rn(__fadd_rn(limits[1], limits[0]), 0.5F));
  std::uint8_t* const to = token.coded + block.at;
  if (threadIdx.x == 0) {
    put_pair(to + block.pairs, token.slot, half, middle);
    reinterpret_cast<float2*>(task.cuts)[token.row] = cut;
  }
  const int dim = task.shape.head_dim, n_groups = dim / kGridGroup;
  const LevelSearch search{thresholds};
  for (int group = static_cast<int>(threadIdx.x) / kWarp; group < width / kGridGroup;
       group += kWarps) {
    const float own = __half2float(x[group * kGridGroup + threadIdx.x % kWarp]);
    const int at = token.slot * n_groups + group % n_groups;
    put_codes(search.code(middle, half, own),
              block.bits,
              to + group / n_groups * block.head_bytes + at * kGridGroup / 8 * block.bits);
  }
}

/// Grid: new tokens.
__global__ void __launch_bounds__(kThreads)
    store_tokens_kernel(const __grid_constant__ StoreTask task) {
  extern __shared__ float sorted[];
  follow_earlier_kernels();
  const NewToken token(task, static_cast<int>(blockIdx.x));
  for (int part = 0; part < 2; ++part) {
    const bool is_value = part == 1;
    if (token.floats != nullptr) {
      keep_floats(task, token, is_value);
    }
    const PageKind kind = (is_value ? task.kv.values : task.kv.keys).kind;
    if (kind == PageKind::kTokenGroups) {
      put_token_groups(task, token, is_value);
    } else if (kind == PageKind::kTokenLevels) {
      put_token_levels(task, token, sorted);
    }
  }
}

/// The 32 tokens that end with this one, channel by channel, from the floats of their page.
__device__ void put_channel_groups(const StoreTask& task, const NewToken& token) {
  const KvBlock& block = task.kv.keys;
  const int dim = task.shape.head_dim, group = token.slot / kGridGroup;
  for (int channel = static_cast<int>(threadIdx.x); channel < width_of(task.shape);
       channel += kThreads) {
    const auto value = [&](int t) {
      return __half2float(
          __ldcg(float_place(task, token.floats, block, group * kGridGroup + t, channel)));
    };
    float least = value(0), most = least;
    for (int t = 1; t < kGridGroup; ++t) {
      least = fminf(least, value(t));
      most = fmaxf(most, value(t));
    }
    const Grid grid(least, most, block.bits);
    std::uint8_t* const head = token.coded + block.at + channel / dim * block.head_bytes;
    const int row = group * dim + channel % dim;
    put_pair(head + block.pairs, row, grid.scale, grid.min);
    std::uint8_t* to = head + row * kGridGroup / 8 * block.bits;
    std::uint32_t waiting = 0;
    int n_bits = 0;
    for (int t = 0; t < kGridGroup; ++t) {
      waiting |= grid.code(value(t)) << n_bits;
      for (n_bits += block.bits; n_bits >= 8; n_bits -= 8) {
        *to++ = static_cast<std::uint8_t>(waiting);
        waiting >>= 8;
      }
    }
  }
}

/// The new tokens of one page of one sequence.
struct PagePart {
  NewToken first;
  int n;
};

/// Codes of a page's new tokens in the rows of their channels, of which a thread owns some.
template <int kBits>
__device__ void put_channel_levels(const StoreTask& task,
                                   const PagePart& part,
                                   const float* thresholds) {
  constexpr int kWords = kPage * kBits / 32;
  constexpr std::uint32_t kMask = (1U << kBits) - 1U;
  const KvBlock& block = task.kv.keys;
  const int dim = task.shape.head_dim;
  const LevelSearch search{thresholds};
  for (int channel = static_cast<int>(threadIdx.x); channel < width_of(task.shape);
       channel += kThreads) {
    auto* const row = reinterpret_cast<std::uint32_t*>(part.first.coded + block.at +
                                                       channel / dim * block.head_bytes +
                                                       channel % dim * kPage / 8 * kBits);
    const float middle = task.kv.key_spans[2 * channel], half = task.kv.key_spans[2 * channel + 1];
    std::uint32_t words[kWords];
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      words[i] = row[i];
    }
#pragma unroll
    for (int slot = 0; slot < kPage; ++slot) {
      const int i = slot - part.first.slot;
      if (i < 0 || i >= part.n) {
        continue;
      }
      const float x = __half2float(heads_of(task, part.first.row + i, false)[channel]);
      const std::uint32_t code = search.code(middle, half, x);
      constexpr int kWord = 32;
      const int bit = slot * kBits, word = bit / kWord, shift = bit % kWord;
      words[word] = (words[word] & ~(kMask << shift)) | code << shift;
      if (shift + kBits > kWord) {
        words[word + 1] = (words[word + 1] & ~(kMask >> (kWord - shift))) | code >> (kWord - shift);
      }
    }
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      row[i] = words[i];
    }
  }
}

/// The list of a page's outliers goes on with those of its new tokens; all threads together.
template <class IsOutlier>
__device__ void put_outlier_list(const StoreTask& task,
                                 const PagePart& part,
                                 bool is_value,
                                 const IsOutlier& is_outlier) {
  __shared__ int of_warps[kWarps];
  const KvBlock& block = is_value ? task.kv.values : task.kv.keys;
  auto* const ends =
      reinterpret_cast<unsigned short*>(part.first.coded + block.at + block.outliers);
  auto* const entries = reinterpret_cast<std::uint32_t*>(ends + kPage);
  const int width = width_of(task.shape);
  const int warp = static_cast<int>(threadIdx.x) / kWarp,
            lane = static_cast<int>(threadIdx.x) % kWarp;
  int n = part.first.slot == 0 ? 0 : ends[part.first.slot - 1];
  for (int i = 0; i < part.n; ++i) {
    const __half* const x = heads_of(task, part.first.row + i, is_value);
    for (int first = 0; first < width; first += kThreads) {
      const int channel = first + static_cast<int>(threadIdx.x);
      const __half own = channel < width ? x[channel] : __half{};
      const bool is_kept = channel < width && is_outlier(i, channel, __half2float(own));
      const unsigned kept = __ballot_sync(0xFFFFFFFFU, is_kept);
      __syncthreads();  // the counts before are read
      if (lane == 0) {
        of_warps[warp] = __popc(kept);
      }
      __syncthreads();
      int place = n + __popc(kept & ((1U << lane) - 1U));
      for (int other = 0; other < kWarps; ++other) {
        place += other < warp ? of_warps[other] : 0;
        n += of_warps[other];
      }
      if (is_kept && place < block.outlier_room) {
        entries[place] = static_cast<std::uint32_t>(channel) |
                         static_cast<std::uint32_t>(__half_as_ushort(own)) << 16;
      }
      n = min(n, block.outlier_room);
    }
    if (threadIdx.x == 0) {
      ends[part.first.slot + i] = static_cast<unsigned short>(n);
    }
  }
}

__device__ void put_key_levels(const StoreTask& task, const PagePart& part) {
  __shared__ float thresholds[kMostLevels];
  LevelSearch::make(task.kv.keys, thresholds);
  __syncthreads();
  with_code_bits(task.kv.keys.bits, [&](auto bits) {
    put_channel_levels<decltype(bits)::value>(task, part, thresholds);
  });
  const auto* const limits = reinterpret_cast<const float2*>(task.kv.key_limits);
  put_outlier_list(task, part, false, [limits](int /*token*/, int channel, float x) {
    const float2 limit = __ldg(limits + channel);
    return x < limit.x || x > limit.y;
  });
}

/// How many tokens of the batch from this one on lie in its page; 0 where it is not the first.
__device__ __forceinline__ int tokens_of_page(const StoreTask& task, int row) {
  const BatchView& batch = task.batch;
  const auto goes_on = [&](int next) {
    return next < batch.n_tokens && batch.sequence_of[next] == batch.sequence_of[row] &&
           batch.positions[next] % kPage != 0;
  };
  if (row > 0 && batch.sequence_of[row - 1] == batch.sequence_of[row] &&
      batch.positions[row] % kPage != 0) {
    return 0;
  }
  int n = 1;
  while (goes_on(row + n)) {
    ++n;
  }
  return n;
}

/// Grid: new tokens; keys and values.
__global__ void __launch_bounds__(kThreads)
    store_pages_kernel(const __grid_constant__ StoreTask task) {
  follow_earlier_kernels();
  const int row = static_cast<int>(blockIdx.x);
  const bool is_value = blockIdx.y == 1;
  const PageKind kind = (is_value ? task.kv.values : task.kv.keys).kind;
  const NewToken token(task, row);
  if (kind == PageKind::kChannelGroups) {
    if (token.slot % kGridGroup == kGridGroup - 1) {
      put_channel_groups(task, token);
    }
    return;
  }
  const int n = tokens_of_page(task, row);
  if (n == 0) {
    return;
  }
  const PagePart part{token, n};
  if (kind == PageKind::kChannelLevels) {
    put_key_levels(task, part);
  } else if (kind == PageKind::kTokenLevels) {
    const auto* const cuts = reinterpret_cast<const float2*>(task.cuts) + row;
    put_outlier_list(task, part, true, [cuts](int i, int /*channel*/, float x) {
      return is_beyond(__ldcg(cuts + i), x);
    });
  }
}

/// Floats of a power of two from `n` on.
std::size_t sorted_bytes(int n) {
  std::size_t n_sorted = 1;
  while (n_sorted < static_cast<std::size_t>(n)) {
    n_sorted *= 2;
  }
  return n_sorted * sizeof(float);
}

}  // namespace

void store_kv(const StoreTask& task, Stream stream) {
  const auto n_tokens = static_cast<unsigned>(task.batch.n_tokens);
  const bool sorts = task.kv.values.kind == PageKind::kTokenLevels;
  static const bool is_set = cudaFuncSetAttribute(store_tokens_kernel,
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  device_limits.block_bytes - 1024) == cudaSuccess;
  static_cast<void>(is_set);
  launch(store_tokens_kernel,
         dim3(n_tokens),
         kThreads,
         sorts ? sorted_bytes(task.shape.n_kv_heads * task.shape.head_dim) : 0,
         stream,
         task);
  const PageKind keys = task.kv.keys.kind;
  if (keys == PageKind::kChannelGroups || keys == PageKind::kChannelLevels || sorts) {
    launch(store_pages_kernel, dim3(n_tokens, sorts ? 2 : 1), kThreads, 0, stream, task);
  }
}

}  // namespace nibble::kernels::cuda
