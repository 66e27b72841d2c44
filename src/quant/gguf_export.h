/// Writes a model as one GGUF file, without changing a value.
///
/// Block types and plain floats go as they are, integer groups become blocks of 32 where those hold
/// their values (io/gguf/exact_blocks.h); norms and biases become float32. The file is then opened
/// again: configuration and every weight are compared with the source.
///
/// Threads    decoding is split over `pool`; weights follow one another
/// Errors     kUnsupported naming the first weight that GGUF cannot hold, and why, or the part of
///            the configuration or tokenizer; kInvalidArgument for a file that exists; kIo;
///            kCancelled
/// Source     our own; docs/formats/gguf.md
#pragma once

#include <filesystem>

#include "base/progress.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "quant/convert.h"

namespace nibble::quant {

/// The target's name in `convert`.
inline constexpr std::string_view kGgufTarget = "gguf";

Result<ConvertReport> export_gguf(const io::Checkpoint& checkpoint,
                                  const std::filesystem::path& file,
                                  ThreadPool& pool,
                                  ProgressSink& progress);

}  // namespace nibble::quant
