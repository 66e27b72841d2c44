/// The kernels and the runtime of a CUDA device as two tables of functions: host code calls them
/// through plain pointers, knows no type of CUDA and is the same in a build without it.
///
/// Every launch is queued on the stream given; `error` of the runtime tells what went wrong since.
///
/// Layout     half is binary16; activations [tokens][stride] with strides in elements, multiples
///            of 8; weights as fragments.h has them
/// Threads    one host thread a device
/// Errors     functions of the runtime return nullptr or what CUDA says
/// Source     our own; CUDA Runtime API
#pragma once

#include <cstddef>
#include <cstdint>

namespace nibble::kernels::cuda {

using Stream = void*;

struct KvPages;
struct StoreTask;

/// One packed matrix on the device.
struct WeightView {
  int format = 0;  ///< FragmentFormat
  int rows = 0, cols = 0;
  int n_row_tiles = 0, n_col_tiles = 0;
  int group = 0, n_groups = 0, zero = 0;
  const void* codes = nullptr;
  const void* scales = nullptr;
  const void* offsets = nullptr;  ///< or nullptr
  const float* row_factors = nullptr;
  std::uint16_t levels[16] = {};  ///< kLut4
};

/// What becomes of w x.
enum class Epilogue : int {
  kHalf,       ///< y = half(w x), limited to the largest finite one
  kAddFloat,   ///< float y += w x
  kFloat,      ///< float y = w x
  kGatedSilu,  ///< half y = silu(w x) * (w' x), rows in turns of 8 (interleaved_rows)
  kGatedGelu,  ///< the same with the tanh form of GELU
};

/// Up to so many tokens, and any number in a fixed order, weights stream past each block's own
/// tokens; above, blocks share activations and need memory for sums of parts.
inline constexpr int kStreamTokens = 16;
/// Blocks that fill a device: beyond, no more parts are made.
inline constexpr int kMostParts = 264;
inline constexpr std::size_t kPartialFloats = std::size_t{kMostParts} * 256 * 64;

/// Row blocks times tiles of tokens whose columns fall into parts: less than multiprocessors.
inline constexpr std::size_t kCounters = 1024;
/// Parts of the columns, where blocks of rows do not fill the device.
inline constexpr int kWideParts = 8;
/// Bytes of the activations of a product as warpgroups read them.
[[nodiscard]] constexpr std::size_t arranged_bytes(std::size_t n_tokens,
                                                   std::size_t cols) noexcept {
  return (n_tokens + 7) / 8 * 8 * ((cols + 63) / 64) * 128;
}

struct LinearTask {
  WeightView w;
  const void* x = nullptr;  ///< half [tokens][x_stride]
  void* y = nullptr;
  int x_stride = 0, y_stride = 0;
  int n_tokens = 0;
  Epilogue epilogue = Epilogue::kHalf;
  /// For more than kStreamTokens tokens: kPartialFloats of them, arranged_bytes, and kCounters that
  /// are zero, which a product leaves so.
  float* partial = nullptr;
  void* arranged = nullptr;
  unsigned* counters = nullptr;
  /// x is not read: `arranged` holds it already (only where `takes_arranged` says so).
  bool is_arranged = false;
  /// With gates: y becomes what the next product finds in `arranged`.
  bool arranges = false;
  /// With `norm`, float [w.cols]: x is float, and half(x * norm / rms(x)) is multiplied. Only where
  /// `takes_norm` says so.
  const float* norm = nullptr;
  float epsilon = 0;
  /// The order of sums of an output must not depend on the number of tokens.
  bool fixed_order = false;
};

/// A dense product by cuBLASLt: y = x w^T, w half [rows][cols].
struct DenseTask {
  const void* w = nullptr;
  const void* x = nullptr;
  void* y = nullptr;
  int rows = 0, cols = 0;
  int x_stride = 0, y_stride = 0;
  int n_tokens = 0;
  bool float_out = false;  ///< y is float, else half
  bool add = false;        ///< y += x w^T
};

struct NormTask {
  const float* x = nullptr;       ///< [rows][width]
  const float* weight = nullptr;  ///< [width]
  void* y = nullptr;              ///< half [rows][width], or float
  int n_rows = 0, width = 0;
  float epsilon = 0;
  bool float_out = false;
  bool adds = false;                    ///< with float_out: to what y holds
  bool arranges = false;                ///< y as LinearTask::arranged
  const std::uint32_t* rows = nullptr;  ///< rows of x to take, or all in order
};

/// Tokens of a batch and where they stand; all pointers lie on the device.
struct BatchView {
  const std::int32_t* tokens = nullptr;       ///< [n_tokens]
  const std::int32_t* sequence_of = nullptr;  ///< [n_tokens] entry of `first_page`
  const std::int32_t* positions = nullptr;    ///< [n_tokens]
  const std::int32_t* first_page = nullptr;   ///< [n_sequences] entry of `pages`
  const std::uint64_t* pages = nullptr;       ///< addresses of pages, those of a sequence in a row
  const std::uint64_t* floats = nullptr;      ///< beside pages that are coded, as `pages`; 0: none
  int n_tokens = 0;
};

struct KvShape {
  int n_heads = 0, n_kv_heads = 0, head_dim = 0;
  int page_tokens = 0;
  int layer = 0;
};

struct RopeTask {
  BatchView batch;
  KvShape shape;
  void* qkv = nullptr;  ///< half [tokens][(n_heads + 2 n_kv_heads) * head_dim]; q is left rotated
  const float* inverse_frequency = nullptr;  ///< [head_dim / 2]
  const float* bias = nullptr;               ///< of the columns of qkv, or nullptr
  const float* q_norm = nullptr;             ///< [head_dim] or nullptr
  const float* k_norm = nullptr;
  float epsilon = 0;
  bool stays = false;      ///< keys and values are left in qkv like q, for `store_kv`
  bool turns_keys = true;  ///< false: keys are kept as they are before RoPE
};

/// A run of tokens of one sequence whose queries one block asks.
struct QueryTile {
  std::int32_t first_token;  ///< row of the batch
  std::int32_t n_tokens;
};

struct AttentionTask {
  BatchView batch;
  KvShape shape;
  const void* qkv = nullptr;         ///< as RopeTask leaves it
  void* out = nullptr;               ///< half [tokens][n_heads * head_dim]
  bool arranges = false;             ///< out as LinearTask::arranged
  const QueryTile* tiles = nullptr;  ///< on the device
  int n_tiles = 0;
  int n_splits = 1;  ///< parts that the keys fall into, kSplitPages pages each or more
  int pages_per_split = 0;
  float* partial = nullptr;  ///< with n_splits > 1: attention_partial_floats of them
  float scale = 1;
  float softcap = 0;     ///< 0: none; `page_attention` alone knows others
  int window = 0;        ///< 0: none
  bool is_wide = false;  ///< tiles of up to 64 rows (tokens times heads of a group), else of 16
};

/// Most rows of a tile: tokens times the query heads of a key/value head.
inline constexpr int kNarrowRows = 16;
inline constexpr int kWideRows = 64;

struct ScoreTask {
  const float* logits = nullptr;  ///< [rows][vocab]
  int n_rows = 0, vocab = 0;
  const std::int32_t* targets = nullptr;      ///< [n_targets] tokens
  const std::int32_t* target_rows = nullptr;  ///< [n_targets]
  int n_targets = 0;
  double* log_sums = nullptr;      ///< [rows]
  std::int32_t* best = nullptr;    ///< [rows] the first of equal logits
  float* target_logits = nullptr;  ///< [n_targets]
};

/// Rows of halves changed in place: each `n` columns by a Hadamard transform (kernels/hadamard.h),
/// then the whole row rounded by its largest magnitude (ops/token_rounding.h).
struct TransformTask {
  void* x = nullptr;  ///< half [n_rows][stride]
  int n_rows = 0, n_cols = 0, stride = 0;
  int n = 0;  ///< 0: no transform; divides n_cols
  int base = 1, block = 1, run = 1;
  const float* signs = nullptr;  ///< [base][base] with a base above 1
  float scale = 1;
  int bits = 0;  ///< 0: no rounding
  float clip = 1;
  float outliers = 0;  ///< 0: none
};

struct Kernels {
  void (*linear)(const LinearTask&, Stream);
  /// Whether `linear` normalizes for a product of that size.
  bool (*takes_norm)(const LinearTask&);
  /// Whether `linear` wants its activations arranged.
  bool (*takes_arranged)(const LinearTask&);
  /// Half [rows][cols] of w, factors applied.
  void (*dequantize)(const WeightView& w, void* out, Stream);
  /// Gated halves out of [tokens][2 n] in turns of 8: half [tokens][n].
  void (*gate)(const void* x, void* y, int n, int n_tokens, bool gelu, Stream);
  void (*rms_norm)(const NormTask&, Stream);
  /// hidden[t] = scale * table[tokens[t]], half [vocab][width].
  void (*embed)(const BatchView&, const void* table, float scale, float* hidden, int width, Stream);
  void (*rope_store)(const RopeTask&, Stream);
  void (*attention)(const AttentionTask&, Stream);
  /// Both at once for one new token a sequence, in an order of sums that depends on the number of
  /// sequences; false where the device does not.
  bool (*decode_attention)(const RopeTask&, const AttentionTask&, Stream);
  /// What `rope_store` with `stays` has left in qkv, into pages of any kind.
  void (*store_kv)(const StoreTask&, Stream);
  /// `attention` over pages of any kind (attention/kv_pages.h).
  void (*page_attention)(const AttentionTask&, const KvPages&, Stream);
  void (*transform_rows)(const TransformTask&, Stream);
  /// The most columns of a row that it can hold.
  int (*most_transformed)();
  void (*gather)(const float* x, const std::uint32_t* rows, float* y, int n, int width, Stream);
  /// x = limit * tanh(x / limit)
  void (*cap)(float* x, std::size_t n, float limit, Stream);
  void (*to_half)(const float* x, void* y, std::size_t n, Stream);
  void (*scores)(const ScoreTask&, Stream);
  /// Greedy decoding: the best token of each row becomes its next token, one position on.
  void (*advance)(
      const std::int32_t* best, std::int32_t* tokens, std::int32_t* positions, int n, Stream);
  /// Pseudo-random bytes, and halves in [-scale, scale), for measurements without a model.
  void (*random_bytes)(void* out, std::size_t n_bytes, std::uint32_t seed, Stream);
  void (*random_halves)(void* out, std::size_t n, float scale, std::uint32_t seed, Stream);
};

/// Floats that a split attention needs beside its output.
[[nodiscard]] constexpr std::size_t attention_partial_floats(const AttentionTask& task) noexcept {
  const std::size_t rows = task.is_wide ? kWideRows : kNarrowRows;
  return static_cast<std::size_t>(task.n_tiles) * static_cast<std::size_t>(task.shape.n_kv_heads) *
         static_cast<std::size_t>(task.n_splits) * rows *
         (static_cast<std::size_t>(task.shape.head_dim) + 2);
}

struct Runtime {
  const char* (*open)(int device, Stream* stream);  ///< makes it the current one
  const char* (*close)(Stream stream);
  const char* (*memory)(std::size_t* free_bytes, std::size_t* total_bytes);
  const char* (*allocate)(std::size_t n_bytes, void** out, Stream);
  const char* (*release)(void* bytes, Stream);
  const char* (*allocate_host)(std::size_t n_bytes, void** out);  ///< page-locked
  const char* (*release_host)(void* bytes);
  const char* (*upload)(const void* host, void* device, std::size_t n_bytes, Stream);
  const char* (*download)(const void* device, void* host, std::size_t n_bytes, Stream);
  const char* (*copy)(const void* from, void* to, std::size_t n_bytes, Stream);
  const char* (*clear)(void* bytes, std::size_t n_bytes, Stream);
  const char* (*synchronize)(Stream);
  const char* (*error)();
  /// What is queued between the two becomes a graph.
  const char* (*begin_capture)(Stream);
  const char* (*end_capture)(Stream, void** graph);
  const char* (*launch_graph)(void* graph, Stream);
  const char* (*release_graph)(void* graph);
  /// cuBLASLt, loaded on first use; nullptr or why it cannot run.
  const char* (*dense)(const DenseTask&, Stream);
  const char* (*make_event)(void** event);
  const char* (*record_event)(void* event, Stream);
  const char* (*elapsed_ms)(void* begin, void* end, float* out);
};

/// Both nullptr in a build without CUDA.
const Kernels* kernels() noexcept;
const Runtime* runtime() noexcept;

}  // namespace nibble::kernels::cuda
