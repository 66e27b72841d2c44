/// Attention, causal unless a task says otherwise, of a tile of queries that share one key/value
/// head, over paged keys and values, which may be coded (codec/kv/page.h).
///
///   out[t, h] = sum over visible j of softmax_j(scale * q[t, h] . k[j]) * v[j]
///   t in [0, n_queries), h in [0, n_heads)
///
/// Layout     head h of query t at q + t * q_stride + h * head_dim, out alike; position p lies in
///            page p / page_tokens, slot p % page_tokens; a page's keys and values start at
///            kv_offset elements, [page_tokens, head_dim] contiguous
/// Units      strides and offsets in elements
/// Requires   head_dim <= kMaxHeadDim; pages cover first_position + n_queries positions
/// Precision  float32 accumulation; online softmax
/// Threads    reentrant for distinct out
/// Errors     none; ops/attention.h validates
/// Source     our own; online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867
#pragma once

#include <cstddef>

#include "codec/kv/tables.h"

namespace nibble::kernels {

inline constexpr std::size_t kMaxHeadDim = 512;

/// Keys and values of up to `page_tokens` tokens of one layer.
struct KvPage {
  void* keys;
  void* values;
};

struct AttentionTask {
  const float* q = nullptr;
  float* out = nullptr;
  std::size_t q_stride = 0;
  std::size_t out_stride = 0;
  std::size_t n_queries = 0;
  std::size_t n_heads = 0;  ///< query heads of this key/value head
  std::size_t head_dim = 0;
  std::size_t first_position = 0;  ///< of query 0
  bool is_causal = true;           ///< false: all queries stand at first_position
  const KvPage* pages = nullptr;
  std::size_t page_tokens = 0;
  std::size_t kv_offset = 0;
  float scale = 1.0F;
  float softcap = 0.0F;    ///< 0: none
  std::size_t window = 0;  ///< 0: none
};

/// What a task over coded pages needs beside them. A query at position p sees keys below
/// p - p % residual and values below p - residual coded, the others as floats; without a residual
/// all are coded but the sinks.
struct CodedKv {
  codec::KvFormat keys, values;
  codec::KvShape shape;
  std::size_t head = 0;                     ///< the key/value head of the task
  const codec::KvTables* tables = nullptr;  ///< for levels
  const KvPage* floats = nullptr;  ///< of each page: [n_heads, float_tokens, head_dim] in the same
                                   ///< two types; nothing where none are kept
  std::size_t float_tokens = 0;
  bool has_halves = false;  ///< floats are binary16
  std::size_t residual = 0;
  std::size_t n_sinks = 0;
  /// Of each page, to rotate keys with: cosines [head_dim / 2, 64], then sines alike; null where
  /// keys are stored rotated.
  const float* const* rotations = nullptr;
};

struct AttentionKernels {
  void (*f32)(const AttentionTask& task) noexcept;  ///< keys and values in float32
  void (*f16)(const AttentionTask& task) noexcept;  ///< keys and values in binary16
  /// n floats to binary16, round to nearest even.
  void (*to_f16)(const float* x, void* y, std::size_t n) noexcept;
  /// Coded keys and values: pages hold blocks; page_tokens is codec::kKvPageTokens, head_dim a
  /// multiple of 16, kv_offset without meaning.
  void (*coded)(const AttentionTask& task, const CodedKv& kv) noexcept;
};

/// The first position that the query at `position` sees.
[[nodiscard]] constexpr std::size_t first_visible(std::size_t position,
                                                  std::size_t window) noexcept {
  return window != 0 && position + 1 > window ? position + 1 - window : 0;
}

}  // namespace nibble::kernels
