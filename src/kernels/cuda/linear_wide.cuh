/// Products of packed weights with 17 to some hundred tokens on the warpgroup products of 9.0a:
/// weights become binary16 in registers, tokens lie in shared memory.
///
///   y[t, r] = factor[r] * sum over c of w[r, c] x[t, c]
///
/// A block makes 128 rows (of 128 tokens: 256) over a part of the columns. Warps own 16 rows each
/// and copy their weights themselves, some steps of 128 columns ahead; one more (of 128 tokens: the
/// first) asks the copy engine for the tokens, which come arranged (arrange.cuh). While the matrix
/// units multiply for one warpgroup, another decodes; with up to 64 tokens a warpgroup decodes its
/// own next 64 columns meanwhile, too. Where the blocks of all rows do not fill the device, the
/// columns fall into parts: each block leaves its sums, and the last of a tile to end adds them in
/// order.
///
/// Precision  scale * (level + offset) is rounded to binary16, sums are float32. How many parts
///            there are depends on the number of tokens: never used where the order must be fixed
/// Source     PTX ISA (wgmma, mbarrier, cp.async.bulk); our own
#pragma once

#include "kernels/cuda/arrange.cuh"
#include "kernels/cuda/fragments.cuh"
#include "kernels/cuda/output.cuh"
#include "kernels/cuda/wgmma.cuh"

namespace nibble::kernels::cuda {

/// Columns of a step, two tiles.
inline constexpr int kStepCols = 128;

template <int kFormat_, int kTokens_>
struct WideShape {
  static constexpr int kFormat = kFormat_, kTokens = kTokens_;
  static constexpr int kWarps = kTokens == 128 ? 16 : 8;  ///< that multiply
  static constexpr int kRows = kWarps * 16;
  static constexpr bool kHasFeeder = kTokens < 128;  ///< a warp that asks for tokens alone
  static constexpr int kThreads = (kWarps + (kHasFeeder ? 1 : 0)) * kWarp;
  static constexpr int kOperands = kTokens == 128 ? 1 : 2;  ///< that a warp has at a time
  static constexpr int kVectorsOfTile = kVectors<kFormat>;
  static constexpr int kWeightBytes = 2 * kVectorsOfTile * kWarp * 16;  ///< of a warp and step
  static constexpr int kTokenBytes = kTokens * kStepCols * 2;           ///< of a step
  static constexpr int kLutBytes = kFormat == kFormatLut4 ? 256 * kWarp * 4 : 0;
  static constexpr bool kHasScales = kFormat != kFormatHalf;
  static constexpr int kLeastSteps = kTokens == 128 ? 4 : 8;  ///< of a part
  /// Steps whose weights a warp has asked for, as memory has room.
  static constexpr int kAhead = kVectorsOfTile > 1 && kTokens == 128     ? 2
                                : kFormat == kFormatLut4&& kTokens == 64 ? 3
                                                                         : 4;
  /// Of a multiprocessor.
  static constexpr int kBlocks = kTokens <= 64 && kVectorsOfTile == 1 ? 2 : 1;
};

/// What the host decides.
struct WidePlan {
  int n_parts = 1;       ///< of the columns
  int n_groups = 1;      ///< scales of a row and step
  int group_shift = 0;   ///< 2^that many steps share a scale
  int token_stages = 2;  ///< steps of tokens in shared memory

  [[nodiscard]] __host__ __device__ int scale_bytes() const { return n_groups * 64; }
};

/// Bytes from the start of shared memory, all of them multiples of 1,024 but the last two.
struct WideLayout {
  int tokens, weights, barriers, size;
};
template <class Shape>
__host__ __device__ constexpr WideLayout wide_layout(const WidePlan& plan) {
  WideLayout at{};
  at.tokens = Shape::kLutBytes;
  at.weights = at.tokens + plan.token_stages * Shape::kTokenBytes;
  at.barriers =
      at.weights + Shape::kWarps * Shape::kAhead *
                       (Shape::kWeightBytes + (Shape::kHasScales ? plan.scale_bytes() : 0));
  at.size = at.barriers + 2 * 8 * plan.token_stages + 16;
  return at;
}

/// Steps [first, end) of a block's part of the columns.
struct StepRange {
  int first, end;
};
__device__ __forceinline__ StepRange steps_of_block(const WeightView& w) {
  const int n_steps = w.n_col_tiles / 2, n_parts = static_cast<int>(gridDim.z);
  const int part = static_cast<int>(blockIdx.z);
  return {n_steps * part / n_parts, n_steps * (part + 1) / n_parts};
}

/// A place in a ring of stages, and the parity of its turn.
struct RingPlace {
  int stage = 0;
  std::uint32_t parity = 0;

  __device__ void advance(int n_stages) {
    if (++stage == n_stages) {
      stage = 0;
      parity ^= 1U;
    }
  }
};

/// A warp's own weights: 16 rows and 128 columns a step, and their scales.
template <class Shape>
class WideWeights {
 public:
  __device__ WideWeights(const WeightView& w, const WidePlan& plan, int row_tile, char* ring)
      : w_(w), ring_(ring), n_groups_(plan.n_groups), group_shift_(plan.group_shift) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    codes_ = static_cast<const char*>(w.codes) +
             static_cast<std::size_t>(row_tile) * w.n_col_tiles * (Shape::kWeightBytes / 2) +
             lane * 16;
    scales_at_ = static_cast<std::size_t>(row_tile) * w.n_groups * 32;
    for (int k = 0; k < 2; ++k) {
      scale_places_[k] = lane / 4 * 4;
      if (Shape::kHasScales && n_groups_ > 1) {
        scale_places_[k] += (k * 64 + lane % 4 * 16) / w.group * 32;
      }
    }
    stage_bytes_ = Shape::kWeightBytes + (Shape::kHasScales ? plan.scale_bytes() : 0);
  }

  __device__ void copy(int step) const {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    char* const to = stage(step);
    const char* const from = codes_ + static_cast<std::size_t>(step) * Shape::kWeightBytes;
#pragma unroll
    for (int at = 0; at < Shape::kWeightBytes; at += kWarp * 16) {
      copy_16(to + at + lane * 16, from + at);
    }
    if constexpr (Shape::kHasScales) {
      const std::size_t at = scales_at_ + (step * n_groups_ >> group_shift_) * 32;
      char* const place = to + Shape::kWeightBytes;
#pragma unroll 1
      for (int i = lane * 4; i < n_groups_ * 32; i += kWarp * 4) {
        copy_4(place + i, static_cast<const char*>(w_.scales) + at + i);
        if (w_.offsets != nullptr) {
          copy_4(place + n_groups_ * 32 + i, static_cast<const char*>(w_.offsets) + at + i);
        }
      }
    }
  }

  /// Column tile `k` of a step as operands of its four products.
  __device__ void decode(int step,
                         int k,
                         const std::uint32_t* lut,
                         std::uint32_t (&a)[4][4]) const {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const char* const from = stage(step);
    uint4 v[Shape::kVectorsOfTile];
#pragma unroll
    for (int i = 0; i < Shape::kVectorsOfTile; ++i) {
      v[i] = reinterpret_cast<const uint4*>(from)[(k * Shape::kVectorsOfTile + i) * kWarp + lane];
    }
    LaneScale scale{};
    if constexpr (Shape::kHasScales) {
      const char* const own = from + Shape::kWeightBytes + scale_places_[k];
      scale.scales = *reinterpret_cast<const __half2*>(own);
      scale.offsets = w_.offsets != nullptr
                          ? *reinterpret_cast<const __half2*>(own + n_groups_ * 32)
                          : __float2half2_rn(static_cast<float>(-w_.zero));
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if constexpr (Shape::kHasScales) {
        read_scaled<Shape::kFormat>(v, i, scale, lut, a[i]);
      } else {
        read_codes<Shape::kFormat>(v, i, lut, a[i]);
      }
    }
  }

 private:
  __device__ char* stage(int step) const {
    return ring_ + step % Shape::kAhead * stage_bytes_;
  }

  const WeightView& w_;
  char* ring_;
  int n_groups_, group_shift_;
  int stage_bytes_;
  int scale_places_[2];  ///< of a lane's columns in a stage's scales
  const char* codes_;
  std::size_t scales_at_;
};

/// The tokens of a block, stage by stage; one thread asks for them.
template <class Shape>
class TokenStages {
 public:
  /// Without a feeder, a stage is filled again when all have left it this many steps ago.
  static constexpr int kLag = 2;

  __device__ TokenStages(const LinearTask& task,
                         const WidePlan& plan,
                         const StepRange& range,
                         char* stages,
                         std::uint64_t* barriers)
      : stages_(stages),
        full_(barriers),
        empty_(barriers + plan.token_stages),
        n_stages_(plan.token_stages),
        step_(range.first),
        end_(range.end) {
    const int n_eights = arranged_tokens(task.n_tokens) / 8;
    const int first_eight = static_cast<int>(blockIdx.y) * (Shape::kTokens / 8);
    n_bytes_ = min(Shape::kTokens / 8, n_eights - first_eight) * 1024;
    tile_bytes_ = static_cast<std::size_t>(n_eights) * 1024;
    from_ = static_cast<const char*>(task.arranged) + static_cast<std::size_t>(first_eight) * 1024;
  }

  __device__ void make_barriers() const {
    for (int i = 0; i < n_stages_; ++i) {
      make_barrier(full_ + i, 1);
      make_barrier(empty_ + i, Shape::kWarps);
    }
    publish_barriers();
  }
  __device__ void fill() {
    for (int i = 0; i < n_stages_; ++i) {
      ask(i);
    }
  }
  __device__ bool has_more() const { return step_ < end_; }
  /// The next stage, as soon as all warps have left it.
  __device__ void fill_next() {
    if (step_ < end_) {
      wait_for_phase(empty_ + left_.stage, left_.parity);
      ask(left_.stage);
      left_.advance(n_stages_);
    }
  }
  /// Until the tokens of the step are there.
  __device__ const char* wait() const {
    wait_for_phase(full_ + place_.stage, place_.parity);
    return stages_ + place_.stage * Shape::kTokenBytes;
  }
  __device__ void leave(int stage) const { arrive(empty_ + stage); }
  __device__ int stage() const { return place_.stage; }
  __device__ void advance() { place_.advance(n_stages_); }

 private:
  __device__ void ask(int stage) {
    if (step_ < end_) {
      expect_bytes(full_ + stage, 2 * n_bytes_);
      for (int k = 0; k < 2; ++k) {
        copy_bulk(stages_ + stage * Shape::kTokenBytes + k * (Shape::kTokenBytes / 2),
                  from_ + (step_ * 2 + k) * tile_bytes_,
                  n_bytes_,
                  full_ + stage);
      }
      ++step_;
    }
  }

  char* stages_;
  std::uint64_t* full_;
  std::uint64_t* empty_;
  int n_stages_;
  int step_, end_;  ///< what is asked for next
  int n_bytes_;
  std::size_t tile_bytes_;
  const char* from_;
  RingPlace left_, place_;
};

/// Products of all steps of a block's part.
template <class Shape>
__device__ __forceinline__ void multiply_steps(const WideWeights<Shape>& weights,
                                               TokenStages<Shape>& tokens,
                                               const StepRange& range,
                                               const std::uint32_t* lut,
                                               float (&sums)[Shape::kTokens / 2]) {
  std::uint32_t a[Shape::kOperands][4][4];
  int before = 0;  // the stage of the step before
  for (int step = range.first; step < range.end; ++step) {
    wait_for_copies<Shape::kAhead - 1>();
    __syncwarp();  // scales come from other lanes
    const char* stage = nullptr;
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      wait_for_products<Shape::kOperands - 1>();  // the operand that comes next may change
      if (k == Shape::kOperands - 1 && step > range.first && threadIdx.x % kWarp == 0) {
        tokens.leave(before);
      }
      auto& own = a[k % Shape::kOperands];
      weights.decode(step, k, lut, own);
      if (k == 0) {
        stage = tokens.wait();
      }
      const std::uint64_t operand = describe_tokens(stage + k * (Shape::kTokenBytes / 2));
      begin_products();
#pragma unroll
      for (int product = 0; product < 4; ++product) {
        multiply_group(sums, own[product], operand + product * 2);
      }
      commit_products();
    }
    before = tokens.stage();
    tokens.advance();
    if constexpr (!Shape::kHasFeeder) {
      if (step - range.first >= TokenStages<Shape>::kLag && threadIdx.x == 0) {
        tokens.fill_next();
      }
    }
    __syncwarp();
    if (step + Shape::kAhead < range.end) {
      weights.copy(step + Shape::kAhead);
    }
    commit_copies();
  }
  wait_for_products<0>();
}

/// The sums of a block as they meet in shared memory, [token][rows and four more]: lanes that hold
/// eight rows of four tokens meet all banks.
template <class Shape>
struct SumTile {
  static constexpr int kStride = Shape::kRows + 4;
  static constexpr int kThreads = Shape::kWarps * kWarp;
  static constexpr int kFours = Shape::kRows * Shape::kTokens / 4;
  static constexpr int kFoursOfThread = kFours / kThreads;
  float* values;

  __device__ void store(const float (&sums)[Shape::kTokens / 2]) const {
    const int warp = static_cast<int>(threadIdx.x) / kWarp,
              lane = static_cast<int>(threadIdx.x) % kWarp;
    float* const to = values + lane % 4 * 2 * kStride + warp * 16 + lane / 4;
#pragma unroll
    for (int i = 0; i < Shape::kTokens / 2; ++i) {
      to[(i / 4 * 8 + i % 2) * kStride + i % 4 / 2 * 8] = sums[i];
    }
  }
  /// Four rows of a token, the i-th of a thread.
  __device__ float4* four(int i) const {
    const int at = static_cast<int>(threadIdx.x) + i * kThreads;
    return reinterpret_cast<float4*>(values + at / (Shape::kRows / 4) * kStride +
                                     at % (Shape::kRows / 4) * 4);
  }
};

/// Whether this block is the last of its tile to leave its sums.
__device__ __forceinline__ bool is_last_part(const LinearTask& task, volatile int* is_last) {
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    unsigned* const count = task.counters + blockIdx.x * gridDim.y + blockIdx.y;
    const unsigned before = atomicAdd(count, 1U);
    *is_last = before + 1 == gridDim.z ? 1 : 0;
    if (*is_last != 0) {
      *count = 0;  // for the next product
    }
    __threadfence();
  }
  __syncthreads();
  return *is_last != 0;
}

/// A block's sums to where those of all parts meet; the last block of a tile to come takes all of
/// them, in order, and returns true.
template <class Shape>
__device__ __forceinline__ bool meet_parts(const LinearTask& task,
                                           int* is_last,
                                           const SumTile<Shape>& tile) {
  constexpr int kCount = SumTile<Shape>::kFoursOfThread, kThreads = SumTile<Shape>::kThreads;
  const bool multiplies = static_cast<int>(threadIdx.x) < kThreads;
  const std::size_t first = static_cast<std::size_t>(blockIdx.x) * gridDim.y + blockIdx.y;
  auto* const parts = reinterpret_cast<float4*>(task.partial) +
                      first * gridDim.z * SumTile<Shape>::kFours + threadIdx.x;
  float4* const own = parts + static_cast<std::size_t>(blockIdx.z) * SumTile<Shape>::kFours;
#pragma unroll 4
  for (int i = 0; i < kCount && multiplies; ++i) {
    own[i * kThreads] = *tile.four(i);
  }
  if (!is_last_part(task, is_last)) {
    return false;
  }
  constexpr int kAtOnce = 4;
#pragma unroll 1
  for (int first_four = 0; first_four < kCount && multiplies; first_four += kAtOnce) {
    float4 sums[kAtOnce] = {};
#pragma unroll 2
    for (int part = 0; part < static_cast<int>(gridDim.z); ++part) {
      const float4* const from = parts + static_cast<std::size_t>(part) * SumTile<Shape>::kFours;
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        const float4 x = __ldcg(from + (first_four + i) * kThreads);
        sums[i].x += x.x;
        sums[i].y += x.y;
        sums[i].z += x.z;
        sums[i].w += x.w;
      }
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      *tile.four(first_four + i) = sums[i];
    }
  }
  __syncthreads();
  return true;
}

/// What the sums of a block make.
template <class Shape>
__device__ __forceinline__ void write_wide(const LinearTask& task, const SumTile<Shape>& tile) {
  const WeightView& w = task.w;
  const bool is_paired = makes_pairs(task);
  const int first_row = static_cast<int>(blockIdx.x) * Shape::kRows;
  const int first_token = static_cast<int>(blockIdx.y) * Shape::kTokens;
  const int n_tokens = min(Shape::kTokens, task.n_tokens - first_token);
  const int n_outputs = is_paired ? Shape::kRows / 2 : Shape::kRows;
#pragma unroll 2
  for (int i = static_cast<int>(threadIdx.x); i < n_tokens * n_outputs; i += Shape::kThreads) {
    const int token = i / n_outputs, output = i % n_outputs;
    const int own = is_paired ? output / 8 * 16 + output % 8 : output, row = first_row + own;
    if (row < w.rows) {
      const float* const at = tile.values + token * SumTile<Shape>::kStride + own;
      constexpr float kUnit = kScaledUnit<Shape::kFormat>;
      const float sum = at[0] * (w.row_factors[row] * kUnit);
      const float partner = is_paired ? at[8] * (w.row_factors[row + 8] * kUnit) : 0.0F;
      write_output(task, first_token + token, row, sum, partner);
    }
  }
}

/// Grid: blocks of rows, tiles of tokens, parts of the columns.
template <class Shape>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocks)
    wide_kernel(const __grid_constant__ LinearTask task, const __grid_constant__ WidePlan plan) {
  extern __shared__ __align__(1024) char wide_shared[];
  const WideLayout at = wide_layout<Shape>(plan);
  auto* const lut = reinterpret_cast<std::uint32_t*>(wide_shared);
  auto* const barriers = reinterpret_cast<std::uint64_t*>(wide_shared + at.barriers);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const StepRange range = steps_of_block(task.w);
  const int row_tile = static_cast<int>(blockIdx.x) * Shape::kWarps + warp;
  const int ring_bytes =
      Shape::kAhead * (Shape::kWeightBytes + (Shape::kHasScales ? plan.scale_bytes() : 0));
  const WideWeights<Shape> weights(task.w,
                                   plan,
                                   min(row_tile, task.w.n_row_tiles - 1),
                                   wide_shared + at.weights + warp % Shape::kWarps * ring_bytes);
  TokenStages<Shape> tokens(task, plan, range, wide_shared + at.tokens, barriers);
  const bool is_feeder = Shape::kHasFeeder && warp == Shape::kWarps;
  for (int i = 0; i < Shape::kAhead; ++i) {
    if (range.first + i < range.end && !is_feeder) {
      weights.copy(range.first + i);
    }
    commit_copies();
  }
  if (threadIdx.x == 0) {
    tokens.make_barriers();
  }
  if constexpr (Shape::kFormat == kFormatLut4) {
    fill_lut(task.w, lut);
  }
  __syncthreads();
  follow_earlier_kernels();
  constexpr int kAsks = Shape::kHasFeeder ? Shape::kWarps * kWarp : 0;
  if (threadIdx.x == kAsks) {
    tokens.fill();
    while (Shape::kHasFeeder && tokens.has_more()) {
      tokens.fill_next();
    }
  }
  __syncwarp();
  float sums[Shape::kTokens / 2] = {};
  if (!is_feeder) {
    multiply_steps<Shape>(weights, tokens, range, lut, sums);
  }

  const SumTile<Shape> tile{reinterpret_cast<float*>(wide_shared + at.tokens)};
  __syncthreads();  // nobody reads tokens or weights any more
  if (!is_feeder) {
    tile.store(sums);
  }
  __syncthreads();
  if (gridDim.z == 1 ||
      meet_parts<Shape>(task, reinterpret_cast<int*>(barriers + 2 * plan.token_stages), tile)) {
    write_wide<Shape>(task, tile);
  }
}

/// 2^n steps have one scale: n, 0 also where a step has several; -1: neither.
inline int steps_of_group(const WeightView& w) {
  if (w.format == kFormatHalf || w.group >= w.cols) {
    return 31;
  }
  if (w.group < kStepCols) {
    return kStepCols % w.group == 0 ? 0 : -1;
  }
  for (int n = 0; w.group % kStepCols == 0 && n < 31; ++n) {
    if (w.group / kStepCols == 1 << n) {
      return n;
    }
  }
  return -1;
}

/// Whether these kernels multiply a product: 9.0a and whole steps.
inline bool is_wide(const LinearTask& task) {
  return kBuiltForHopper && device_limits.is_hopper && !task.fixed_order &&
         task.w.cols % kStepCols == 0 && steps_of_group(task.w) >= 0;
}

template <class Shape>
void launch_wide_shape(const LinearTask& task, Stream stream) {
  const WeightView& w = task.w;
  static const bool is_set = cudaFuncSetAttribute(wide_kernel<Shape>,
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  device_limits.block_bytes) == cudaSuccess;
  static_cast<void>(is_set);
  const int n_row_blocks = (w.rows + Shape::kRows - 1) / Shape::kRows;
  const int n_token_tiles = (task.n_tokens + Shape::kTokens - 1) / Shape::kTokens;
  WidePlan plan;
  plan.group_shift = steps_of_group(w);
  plan.n_groups = Shape::kHasScales && w.group < kStepCols ? kStepCols / w.group : 1;
  const int n_blocks = n_row_blocks * n_token_tiles, n_steps = w.n_col_tiles / 2;
  plan.n_parts = Shape::kBlocks * device_limits.n_multiprocessors / n_blocks;
  plan.n_parts =
      plan.n_parts > n_steps / Shape::kLeastSteps ? n_steps / Shape::kLeastSteps : plan.n_parts;
  plan.n_parts = plan.n_parts < 1 ? 1 : plan.n_parts > kWideParts ? kWideParts : plan.n_parts;
  const int n_bytes =
      Shape::kBlocks == 2 ? device_limits.block_bytes / 2 - 1024 : device_limits.block_bytes;
  plan.token_stages = 8;
  while (plan.token_stages > 3 && wide_layout<Shape>(plan).size > n_bytes) {
    --plan.token_stages;
  }
  launch(wide_kernel<Shape>,
         dim3(static_cast<unsigned>(n_row_blocks),
              static_cast<unsigned>(n_token_tiles),
              static_cast<unsigned>(plan.n_parts)),
         Shape::kThreads,
         static_cast<std::size_t>(wide_layout<Shape>(plan).size),
         stream,
         task,
         plan);
}

template <int kFormat>
void launch_wide(const LinearTask& task, Stream stream) {
  if (!task.is_arranged) {
    const int n_threads = arranged_tokens(task.n_tokens) * task.w.cols / 8;
    launch(arrange_kernel,
           dim3(static_cast<unsigned>((n_threads + 255) / 256)),
           256,
           0,
           stream,
           static_cast<const __half*>(task.x),
           task.x_stride,
           task.n_tokens,
           task.w.cols,
           static_cast<uint4*>(task.arranged));
  }
  if (task.n_tokens <= 32) {
    launch_wide_shape<WideShape<kFormat, 32>>(task, stream);
  } else if (task.n_tokens <= 64) {
    launch_wide_shape<WideShape<kFormat, 64>>(task, stream);
  } else {
    launch_wide_shape<WideShape<kFormat, 128>>(task, stream);
  }
}

}  // namespace nibble::kernels::cuda
