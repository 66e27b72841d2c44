/// Attention over coded keys and values for AVX2.
///
/// Source     our own
#pragma once

#include "kernels/attention.h"

namespace nibble::kernels::avx2 {

void attention_coded(const AttentionTask& task, const CodedKv& kv) noexcept;

}  // namespace nibble::kernels::avx2
