/// Fills the block types of GGUF, with or without an importance matrix.
///
///   importance   m[c] = mean over calibration tokens of x[c]^2, one number an input; the search
///                for a block's scales weighs the errors of input c by it (gguf/blocks.h). From
///                calibration, or from a file of llama.cpp's (io/gguf/importance_file.h); weights
///                that the file does not name are filled without, and counted
///
/// Shapes     w [rows, cols]; importance [cols] or empty
/// Requires   cols is a multiple of the block; w is finite
/// Threads    split by rows over `pool`; the result does not depend on its size
/// Errors     check: kUnsupported for a codec that is no GGUF type. Those of the importance file;
///            kShapeMismatch for an entry of another size
/// Source     ggml's quantizers; docs/formats/gguf-blocks.md
#pragma once

#include <memory>
#include <span>

#include "base/thread_pool.h"
#include "codec/block_codec.h"
#include "quant/solver.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

codec::EncodedMatrix encode_gguf(MatrixView<const float> w,
                                 std::span<const float> importance,
                                 const std::shared_ptr<const codec::BlockCodec>& codec,
                                 ThreadPool& pool);

/// The method "gguf". Settings: importance = "none" | "mean_square" | a file; importance_sha256, to
/// make sure of the file.
std::unique_ptr<Solver> make_gguf(TomlTable& stage);

}  // namespace nibble::quant
