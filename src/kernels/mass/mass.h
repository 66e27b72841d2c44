/// How the attention of a tile of queries is spread over spans of keys: the sums of the
/// probabilities that attention (kernels/attention.h) weighs values with.
///
///   mass[t, h, s] = sum over visible j in span s of softmax_j(scale * q[t, h] . k[j])
///
/// Layout     task.out holds masses: those of head h of query t at out + t * out_stride + h *
///            n_spans; queries and pages as in attention; values are not read
/// Units      spans in positions; spans ascend and are disjoint, may be empty, and may reach past
///            the last position
/// Requires   that of attention
/// Precision  float32: scores, exponentials and their order are those of attention of the same
///            instruction set; a row's masses do not depend on the rows beside it
/// Threads    reentrant for distinct out
/// Errors     none; ops/attention_mass.h validates
/// Source     our own
#pragma once

#include <cstddef>
#include <span>

#include "kernels/attention.h"

namespace nibble::kernels {

/// Positions [begin, end).
struct KeySpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const KeySpan&) const = default;
};

struct MassKernels {
  void (*f32)(const AttentionTask& task, std::span<const KeySpan> spans) noexcept;
  void (*f16)(const AttentionTask& task, std::span<const KeySpan> spans) noexcept;
  void (*coded)(const AttentionTask& task,
                const CodedKv& kv,
                std::span<const KeySpan> spans) noexcept;
};

}  // namespace nibble::kernels
