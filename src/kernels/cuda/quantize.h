/// The kernels and the libraries that choose codes on a CUDA device, as tables of functions; see
/// kernels.h.
///
/// Layout     matrices are row-major without gaps; codes one byte each, inputs in their natural
///            order; parameters float32, [rows][n_groups]
/// Precision  float32 with each operation rounded as the host rounds it (no product and sum become
///            one), so that codes equal the host's wherever the inputs do
/// Threads    one host thread a device
/// Errors     functions that return text return nullptr or what the library says
/// Source     quant/solve/hqq.h, quant/solve/gptq.h and quant/solve/nearest.h; cuBLAS; cuSOLVER
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

enum class SourceType : int { kFloat, kHalf, kBFloat };

/// Integer groups as codec/int_group.h has them.
struct GroupedMatrix {
  int rows = 0, cols = 0;
  int group = 0, n_groups = 0;
  int bits = 0;
  bool half_parameters = false;
  std::uint8_t* codes = nullptr;  ///< [rows][cols]
  float* scales = nullptr;        ///< [rows][n_groups]
  float* zeros = nullptr;
  const std::uint32_t* group_of = nullptr;  ///< [cols] group of an input, or nullptr: c / group
};

/// What iterations of HQQ share on the device. `best` starts as infinity, the rest as zero.
struct HqqState {
  float best;
  std::int32_t is_done;
  std::int32_t n_iterations;
};

struct HqqTask {
  GroupedMatrix out;
  const float* w = nullptr;
  float* inverses = nullptr;  ///< [rows][n_groups]
  double* errors = nullptr;   ///< [rows][n_groups], then kHqqParts of them
  HqqState* state = nullptr;
  float beta = 10, exponent = -0.3F, nothing_below = 0;
  bool round_zero = false;
};
inline constexpr int kHqqParts = 256;

/// How the range of a group becomes its grid.
struct GridRule {
  bool is_symmetric = false;
  bool is_raw = false;  ///< quant::RangeRule::kRaw, else kMinMax
};

/// `size` inputs of GPTQ from place `begin` on, at most kGptqBlock.
struct GptqTask {
  GroupedMatrix out;
  GridRule rule;
  bool static_groups = false;               ///< the grids are there
  float* w = nullptr;                       ///< [rows][cols] by place
  const float* u = nullptr;                 ///< [cols][cols] upper
  const std::uint32_t* input_at = nullptr;  ///< [cols] by place
  const std::uint32_t* group_at = nullptr;  ///< [cols] by place
  float* errors = nullptr;                  ///< [rows][kGptqBlock]
  int begin = 0, size = 0;
};
inline constexpr int kGptqBlock = 128;

/// a = b with rows and columns in the reverse of `order`, in float64; b's upper triangle is read.
struct MomentTask {
  const float* moment = nullptr;          ///< [n][n]
  const std::uint32_t* order = nullptr;   ///< [n] input at each place
  const std::uint8_t* is_dead = nullptr;  ///< [n] by input: one on the diagonal
  double damping = 0;                     ///< added to the diagonal
  double* out = nullptr;                  ///< [n][n]
  int n = 0;
};

/// c = factor a b, or c += factor a b, in float32; strides in floats between rows.
struct ProductTask {
  const float* a = nullptr;  ///< [rows][k]
  int a_stride = 0;
  const float* b = nullptr;  ///< [k][cols]
  int b_stride = 0;
  float* c = nullptr;  ///< [rows][cols]
  int c_stride = 0;
  int rows = 0, k = 0, cols = 0;
  float factor = 1;
  bool adds = false;
  bool is_coarse = false;  ///< a and b with 10 bits of fraction, from 8.0 on; sums in float32
};

struct QuantizeKernels {
  void (*widen)(const void* x, SourceType, float* y, std::size_t n, Stream);
  /// The smallest index of what is not finite, or what `at` held.
  void (*find_not_finite)(const float* x, std::size_t n, std::uint64_t* at, Stream);
  /// Halves of rows: row r goes to row first + r of y, or with `turn` to first + r / turn * 2 turn
  /// + r % turn.
  void (*narrow_rows)(const float* x, void* y, int rows, int cols, int first, int turn, Stream);
  /// Decoded values.
  void (*decode)(const GroupedMatrix&, float* y, Stream);
  /// sums[2] = |w - decoded|^2, |w|^2; kErrorParts pairs of `parts` are overwritten.
  void (*squared_error)(const GroupedMatrix&, const float* w, double* parts, double* sums, Stream);
  /// Bit streams [rows][row_bytes]; codes by place where `input_at` is not nullptr.
  void (*pack)(const GroupedMatrix&,
               const std::uint32_t* input_at,
               std::uint8_t* out,
               std::size_t row_bytes,
               Stream);
  void (*to_bytes)(const float* x, std::uint8_t* y, std::size_t n, Stream);

  void (*hqq_start)(const HqqTask&, Stream);
  /// Nothing once the state is done.
  void (*hqq_step)(const HqqTask&, Stream);
  void (*hqq_finish)(const HqqTask&, Stream);

  /// w by place, dead inputs 0.
  void (*place_columns)(const float* w,
                        const std::uint32_t* input_at,
                        const std::uint8_t* is_dead,
                        float* out,
                        int rows,
                        int cols,
                        Stream);
  /// Grids of all groups in the natural order, dead inputs 0.
  void (*static_grids)(
      const GroupedMatrix&, GridRule, const float* w, const std::uint8_t* is_dead, Stream);
  void (*gptq_block)(const GptqTask&, Stream);
  void (*diagonal)(const float* moment, float* out, int n, Stream);
  void (*fill_moment)(const MomentTask&, Stream);
  /// u[r][c] = a[n-1-r][n-1-c] for c >= r, else 0.
  void (*reverse_factor)(const double* a, float* u, int n, Stream);

  /// sum += x^T x, the upper triangle and some of the lower; x half [tokens][n], sum float.
  const char* (*add_gram)(const void* x, int n_tokens, float* sum, int n, Stream);
  const char* (*multiply)(const ProductTask&, Stream);
  /// Replaces a symmetric a (float64) by inverse(L) with a = L L^T, lower; *is_definite says
  /// whether there is one.
  const char* (*invert_factor)(double* a, int n, bool* is_definite, Stream);
};
inline constexpr int kErrorParts = 1024;

/// nullptr in a build without CUDA.
const QuantizeKernels* quantize_kernels() noexcept;

}  // namespace nibble::kernels::cuda
