// Packed weights back to rows of binary16, for products of many tokens.
#include "kernels/cuda/fragments.cuh"
#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ LaneScale scale_of(const WeightView& w,
                                              int row_tile,
                                              int col,
                                              int lane) {
  LaneScale out{};
  const std::size_t pair =
      (static_cast<std::size_t>(row_tile) * w.n_groups + min(col / w.group, w.n_groups - 1)) * 8 +
      lane / 4;
  out.scales = static_cast<const __half2*>(w.scales)[pair];
  out.offsets = w.offsets != nullptr ? static_cast<const __half2*>(w.offsets)[pair]
                                     : __float2half2_rn(static_cast<float>(-w.zero));
  return out;
}

/// A warp decodes a tile; a lane its 16 columns of two rows.
template <int kFormat>
__global__ void __launch_bounds__(kThreads) dequantize_kernel(const WeightView w, __half* out) {
  __shared__ std::uint32_t lut[kFormat == kFormatLut4 ? 256 * kWarp : 1];
  if constexpr (kFormat == kFormatLut4) {
    fill_lut(w, lut);
    __syncthreads();
  }
  follow_earlier_kernels();  // the kernel before may still read `out`
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int n_warps = static_cast<int>(gridDim.x) * (kThreads / kWarp);
  const int n_tiles = w.n_row_tiles * w.n_col_tiles;
  for (int at = static_cast<int>(blockIdx.x) * (kThreads / kWarp) +
                static_cast<int>(threadIdx.x) / kWarp;
       at < n_tiles;
       at += n_warps) {
    const int row_tile = at / w.n_col_tiles;
    const int col = at % w.n_col_tiles * 64 + lane % 4 * 16;
    const uint4* const from = static_cast<const uint4*>(w.codes) +
                              static_cast<std::size_t>(at) * kVectors<kFormat> * kWarp + lane;
    uint4 v[kVectors<kFormat>];
#pragma unroll
    for (int k = 0; k < kVectors<kFormat>; ++k) {
      v[k] = __ldcs(from + k * kWarp);
    }
    const int upper = row_tile * 16 + lane / 4;
    constexpr float kUnit = kFormat == kFormatHalf ? 1.0F : kScaledUnit<kFormat>;
    const float2 factors = {w.row_factors[upper] * kUnit, w.row_factors[upper + 8] * kUnit};
    // A lane's 16 columns lie in one group.
    const LaneScale scale = kFormat == kFormatHalf ? LaneScale{} : scale_of(w, row_tile, col, lane);
    std::uint32_t words[2][8];  // [row][pair of columns]
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      std::uint32_t a[4];
      if constexpr (kFormat == kFormatHalf) {
        read_codes<kFormat>(v, step, lut, a);
      } else {
        read_scaled<kFormat>(v, step, scale, lut, a);
      }
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        const float factor = k % 2 == 0 ? factors.x : factors.y;
        const float2 x = __half22float2(as_half2(a[k]));
        words[k % 2][2 * step + k / 2] = pack_halves(x.x * factor, x.y * factor);
      }
    }
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      if (upper + row * 8 < w.rows) {
        auto* const to = reinterpret_cast<uint4*>(
            out + static_cast<std::size_t>(upper + row * 8) * w.cols + col);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          if (col + half * 8 < w.cols) {
            to[half] = uint4{words[row][half * 4],
                             words[row][half * 4 + 1],
                             words[row][half * 4 + 2],
                             words[row][half * 4 + 3]};
          }
        }
      }
    }
  }
}

template <int kFormat>
void launch_format(const WeightView& w, void* out, Stream stream) {
  constexpr unsigned kBlocks = 132 * (kFormat == kFormatLut4 ? 4 : 8);
  launch(
      dequantize_kernel<kFormat>, dim3(kBlocks), kThreads, 0, stream, w, static_cast<__half*>(out));
}

}  // namespace

void dequantize(const WeightView& w, void* out, Stream stream) {
  switch (w.format) {
    case kFormatHalf:
      return launch_format<kFormatHalf>(w, out, stream);
    case kFormatCode4:
      return launch_format<kFormatCode4>(w, out, stream);
    case kFormatLut4:
      return launch_format<kFormatLut4>(w, out, stream);
    default:
      return launch_format<kFormatCode8>(w, out, stream);
  }
}

}  // namespace nibble::kernels::cuda
