/// Attention over coded keys and values for NEON.
///
/// Source     our own
#pragma once

#include "kernels/attention.h"

namespace nibble::kernels::neon {

void attention_coded(const AttentionTask& task, const CodedKv& kv) noexcept;

}  // namespace nibble::kernels::neon
