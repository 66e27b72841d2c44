/// The keys or the values of a page, whatever kind it is of, into shared memory as binary16
/// (SharedPage of attention_tile.cuh). All threads of a block together.
///
/// A thread decodes eight columns of a token, or eight tokens of eight channels, whose codes start
/// at whole bytes. Outliers and sinks then take the places of what was decoded, and keys that were
/// coded before RoPE are turned.
///
/// Precision  a product and a sum fused in float32, rounded to binary16; angles as RoPE's, reduced
///            by 2 pi in two parts
/// Source     codec/kv/page.h; our own
#pragma once

#include "kernels/cuda/attention/kv_pages.h"
#include "kernels/cuda/attention_tile.cuh"

namespace nibble::kernels::cuda {

inline constexpr int kFillThreads = kAttentionWarps * kWarp;
/// Entries that share a grid (codec::kKvGroup).
inline constexpr int kGridGroup = 32;

/// What is filled: the keys or the values of one head of one page.
struct FillPlace {
  const KvBlock& block;
  const std::uint8_t* page;  ///< the block of the layer
  const __half* floats;      ///< of the head in the page beside, or nullptr
  int head, n_keys;
  bool is_value;

  __device__ const std::uint8_t* codes() const { return page + head * block.head_bytes; }
};

/// Eight codes of kBits each, from their first byte on.
template <int kBits>
__device__ __forceinline__ void read_eight_codes(const std::uint8_t* at, int (&codes)[8]) {
  std::uint32_t words[2] = {};
  if constexpr (kBits == 2) {
    words[0] = __ldcg(reinterpret_cast<const unsigned short*>(at));
  } else if constexpr (kBits == 3) {
    words[0] = __ldcg(at) | __ldcg(at + 1) << 8 | __ldcg(at + 2) << 16;
  } else if constexpr (kBits == 4) {
    words[0] = __ldcg(reinterpret_cast<const std::uint32_t*>(at));
  } else {
    const uint2 both = __ldcg(reinterpret_cast<const uint2*>(at));
    words[0] = both.x;
    words[1] = both.y;
  }
  constexpr std::uint32_t kMask = (1U << kBits) - 1U;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    codes[i] = static_cast<int>(words[i * kBits / 32] >> (i * kBits % 32) & kMask);
  }
}

/// Calls f with the bits as a constant.
template <int kBits>
struct Bits {
  static constexpr int value = kBits;
};
template <class F>
__device__ __forceinline__ void with_code_bits(int bits, const F& f) {
  switch (bits) {
    case 2:
      return f(Bits<2>{});
    case 3:
      return f(Bits<3>{});
    case 4:
      return f(Bits<4>{});
    default:
      return f(Bits<8>{});
  }
}

/// A pair of halves: factor, offset.
__device__ __forceinline__ float2 read_pair(const std::uint8_t* pairs, int index) {
  const std::uint32_t word = __ldcg(reinterpret_cast<const std::uint32_t*>(pairs) + index);
  return __half22float2(*reinterpret_cast<const __half2*>(&word));
}

/// The place of eight columns [8 chunk, 8 chunk + 8) of a head.
template <int kBlocks>
__device__ __forceinline__ uint4* place_of_chunk(const SharedPage<kBlocks>& to,
                                                 bool is_value,
                                                 int key,
                                                 int chunk) {
  using Page = SharedPage<kBlocks>;
  const int in_block = chunk % 8;
  return to.place(is_value ? 1 : 0,
                  chunk / 8,
                  key,
                  is_value ? Page::value_chunk(key, in_block) : Page::key_chunk(key, in_block));
}

template <int kBlocks>
__device__ __forceinline__ __half* place_of_column(const SharedPage<kBlocks>& to,
                                                   bool is_value,
                                                   int key,
                                                   int column) {
  return reinterpret_cast<__half*>(place_of_chunk(to, is_value, key, column / 8)) + column % 8;
}

/// Floats as they are.
template <int kBlocks>
__device__ __forceinline__ void copy_floats(const FillPlace& from, const SharedPage<kBlocks>& to) {
  constexpr int kChunks = kBlocks * 8;
  for (int i = static_cast<int>(threadIdx.x); i < from.n_keys * kChunks; i += kFillThreads) {
    copy_16(place_of_chunk(to, from.is_value, i / kChunks, i % kChunks), from.floats + i * 8);
  }
}

/// Codes that lie token by token: grids of a token's channels, or levels with a span a token.
template <int kBlocks, int kBits>
__device__ __forceinline__ void decode_tokens(const FillPlace& from,
                                              const SharedPage<kBlocks>& to) {
  constexpr int kChunks = kBlocks * 8;
  constexpr int kGrids = kBlocks * 64 / kGridGroup;
  const bool has_levels = from.block.kind == PageKind::kTokenLevels;
  const std::uint8_t* const codes = from.codes();
  const std::uint8_t* const pairs = (has_levels ? from.page : codes) + from.block.pairs;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < from.n_keys * kChunks; i += kFillThreads) {
    const int key = i / kChunks, chunk = i % kChunks;
    int code[8];
    read_eight_codes<kBits>(codes + i * kBits, code);
    const float2 pair = read_pair(pairs, has_levels ? key : key * kGrids + chunk * 8 / kGridGroup);
    float x[8];
#pragma unroll
    for (int k = 0; k < 8; ++k) {
      const float unit =
          has_levels ? __ldg(from.block.levels + code[k]) : static_cast<float>(code[k]);
      x[k] = fmaf(unit, pair.x, pair.y);
    }
    *place_of_chunk(to, from.is_value, key, chunk) = uint4{pack_halves(x[0], x[1]),
                                                           pack_halves(x[2], x[3]),
                                                           pack_halves(x[4], x[5]),
                                                           pack_halves(x[6], x[7])};
  }
}

/// Codes that lie channel by channel: grids of 32 tokens, or levels with limits a channel. Spans
/// are middle and half of each channel.
template <int kBlocks, int kBits>
__device__ __forceinline__ void decode_channels(const FillPlace& from,
                                                const float* spans,
                                                const SharedPage<kBlocks>& to) {
  constexpr int kDim = kBlocks * 64;
  constexpr int kChunks = kDim / 8;
  const bool has_levels = from.block.kind == PageKind::kChannelLevels;
  const std::uint8_t* const codes = from.codes();
  const std::uint8_t* const pairs = codes + from.block.pairs;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < 8 * kChunks; i += kFillThreads) {
    const int chunk = i / 4 % kChunks, group = i / (4 * kChunks);
    const int eight = group * 4 + i % 4;  // of the page's tokens
    std::uint32_t words[8][4];            // [token][two channels]
#pragma unroll
    for (int two = 0; two < 4; ++two) {
      float x[2][8];
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        const int channel = chunk * 8 + two * 2 + k;
        const int row = has_levels ? channel * 2 + group : group * kDim + channel;
        int code[8];
        read_eight_codes<kBits>(codes + (row * 4 + i % 4) * kBits, code);
        float factor, offset;
        if (has_levels) {
          const float* const span = spans + (from.head * kDim + channel) * 2;
          offset = __ldg(span);
          factor = __ldg(span + 1);
        } else {
          const float2 pair = read_pair(pairs, row);
          factor = pair.x;
          offset = pair.y;
        }
#pragma unroll
        for (int t = 0; t < 8; ++t) {
          const float unit =
              has_levels ? __ldg(from.block.levels + code[t]) : static_cast<float>(code[t]);
          x[k][t] = fmaf(unit, factor, offset);
        }
      }
#pragma unroll
      for (int t = 0; t < 8; ++t) {
        words[t][two] = pack_halves(x[0][t], x[1][t]);
      }
    }
#pragma unroll
    for (int t = 0; t < 8; ++t) {
      *place_of_chunk(to, from.is_value, eight * 8 + t, chunk) =
          uint4{words[t][0], words[t][1], words[t][2], words[t][3]};
    }
  }
}

/// What was kept exactly, in its places; a warp takes a token.
template <int kBlocks>
__device__ __forceinline__ void put_outliers(const FillPlace& from, const SharedPage<kBlocks>& to) {
  constexpr int kDim = kBlocks * 64;
  const auto* const ends = reinterpret_cast<const unsigned short*>(from.page + from.block.outliers);
  const auto* const entries = reinterpret_cast<const std::uint32_t*>(ends + kPage);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int key = static_cast<int>(threadIdx.x) / kWarp; key < from.n_keys; key += kAttentionWarps) {
    const int begin = key == 0 ? 0 : __ldcg(ends + key - 1), end = __ldcg(ends + key);
    for (int i = begin + lane; i < end; i += kWarp) {
      const std::uint32_t entry = __ldcg(entries + i);
      const int column = static_cast<int>(entry & 0xFFFFU) - from.head * kDim;
      if (column >= 0 && column < kDim) {
        *place_of_column(to, from.is_value, key, column) =
            __ushort_as_half(static_cast<unsigned short>(entry >> 16));
      }
    }
  }
}

/// The first `n` tokens from the floats beside the page.
template <int kBlocks>
__device__ __forceinline__ void put_sinks(const FillPlace& from,
                                          int n,
                                          const SharedPage<kBlocks>& to) {
  constexpr int kDim = kBlocks * 64;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < min(n, from.n_keys) * kDim; i += kFillThreads) {
    *place_of_column(to, from.is_value, i / kDim, i % kDim) = from.floats[i];
  }
}

/// Cosine and sine of a position's angle.
__device__ __forceinline__ float2 turn_of(float angle) {
  constexpr float kTwoPi = 6.28318548F, kRest = -1.74845553e-7F;  // together 2 pi
  const float turns = rintf(angle * 0.159154943F);
  float2 out;
  __sincosf(fmaf(-turns, kRest, fmaf(-turns, kTwoPi, angle)), &out.y, &out.x);
  return out;
}

/// Turns the pairs (i, i + dim / 2) of the keys of a page whose first one stands at `first`.
template <int kBlocks>
__device__ __forceinline__ void turn_keys(const float* inverse_frequency,
                                          int first,
                                          int n_keys,
                                          const SharedPage<kBlocks>& to) {
  constexpr int kHalfChunks = kBlocks * 4;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < n_keys * kHalfChunks; i += kFillThreads) {
    const int key = i / kHalfChunks, chunk = i % kHalfChunks;
    uint4* const lows = place_of_chunk(to, false, key, chunk);
    uint4* const highs = place_of_chunk(to, false, key, chunk + kHalfChunks);
    uint4 low = *lows, high = *highs;
    auto* const x = reinterpret_cast<__half2*>(&low);
    auto* const y = reinterpret_cast<__half2*>(&high);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const float2 a = __half22float2(x[k]), b = __half22float2(y[k]);
      const auto position = static_cast<float>(first + key);
      const float2 t = turn_of(position * __ldg(inverse_frequency + chunk * 8 + k * 2));
      const float2 u = turn_of(position * __ldg(inverse_frequency + chunk * 8 + k * 2 + 1));
      const std::uint32_t turned[2] = {pack_halves(a.x * t.x - b.x * t.y, a.y * u.x - b.y * u.y),
                                       pack_halves(b.x * t.x + a.x * t.y, b.y * u.x + a.y * u.y)};
      x[k] = *reinterpret_cast<const __half2*>(&turned[0]);
      y[k] = *reinterpret_cast<const __half2*>(&turned[1]);
    }
    *lows = low;
    *highs = high;
  }
}

/// Codes of a page become halves; `page` is its place in the sequence. Ends without a barrier.
template <int kBlocks>
__device__ __forceinline__ void decode_page(const FillPlace& from,
                                            const KvPages& kv,
                                            int page,
                                            const SharedPage<kBlocks>& to) {
  const PageKind kind = from.block.kind;
  const bool is_by_channel = kind == PageKind::kChannelGroups || kind == PageKind::kChannelLevels;
  with_code_bits(from.block.bits, [&](auto bits) {
    constexpr int kBits = decltype(bits)::value;
    if (is_by_channel) {
      decode_channels<kBlocks, kBits>(from, kv.key_spans, to);
    } else {
      decode_tokens<kBlocks, kBits>(from, to);
    }
  });
  if (kind == PageKind::kChannelLevels || kind == PageKind::kTokenLevels) {
    __syncthreads();
    put_outliers(from, to);
  }
  if (page == 0 && kv.n_sinks > 0) {
    __syncthreads();
    put_sinks(from, kv.n_sinks, to);
  }
  if (!from.is_value && kv.inverse_frequency != nullptr) {
    __syncthreads();
    turn_keys(kv.inverse_frequency, page * kPage, from.n_keys, to);
  }
}

}  // namespace nibble::kernels::cuda
