/// Folders of Intel's auto-round: GPTQ's or AWQ's tensors under settings of their own.
///
///   packing_format                          tensors
///   auto_round:auto_gptq                    GPTQ version 1 (zeros minus one), without g_idx
///   auto_round, auto_round:gptqmodel        GPTQ version 2 (zeros as they are), without g_idx
///   auto_round:auto_awq                     AWQ GEMM
///
/// Written are the first, where all zeros are the middle code, and else the second: the library's
/// own kernels take those.
///
/// Errors     as in packed_format.h; kUnsupported for other packings, data types and quantized
///            activations
/// Source     docs/formats/auto-round.md
#pragma once

#include "io/formats/packed_format.h"

namespace nibble::io {

PackedFormat auto_round_format();

}  // namespace nibble::io
