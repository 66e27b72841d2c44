/// Attention over coded keys and values, plainly: every token is read back, then weighed in
/// float64.
///
/// Precision  float64 sums; keys are rotated in float64
/// Errors     std::bad_alloc ends the program: it holds all keys and values of a task as floats
/// Source     our own
#pragma once

#include <span>

#include "kernels/attention.h"
#include "kernels/mass/mass.h"

namespace nibble::kernels::reference {

void attention_coded(const AttentionTask& task, const CodedKv& kv) noexcept;
void sum_masses_coded(const AttentionTask& task,
                      const CodedKv& kv,
                      std::span<const KeySpan> spans) noexcept;

}  // namespace nibble::kernels::reference
