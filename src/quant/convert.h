/// Writes a model's quantized weights in another tool's format, or brings them back into nibble's,
/// without changing a value.
///
/// Linear layers on a quantized grid are repacked; what is plain stays as it is, and anything else
/// (an embedding in blocks) becomes plain in the smallest float type that holds it exactly. The
/// folder is then opened again and every weight compared with the source.
///
/// Threads    decoding is split over `pool`; weights follow one another
/// Errors     kUnsupported naming the first weight that the format cannot hold, and why;
///            kInvalidArgument for an unknown format or an existing folder; kIo; kCancelled
/// Source     our own; docs/formats/packed.md
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"

namespace nibble::quant {

struct ConvertReport {
  std::string target;
  std::size_t n_packed = 0;    ///< weights in the target's quantized form
  std::size_t n_plain = 0;     ///< weights as plain floats
  std::size_t n_verified = 0;  ///< read back and equal to the source in every value
  std::size_t file_bytes = 0;
  double seconds = 0;
  std::vector<std::string> notes;
};

/// `target` is one of io::format_targets().
Result<ConvertReport> convert_checkpoint(const io::Checkpoint& checkpoint,
                                         std::string_view target,
                                         const std::filesystem::path& out_folder,
                                         ThreadPool& pool,
                                         ProgressSink& progress);

std::string convert_text(const ConvertReport& report);
Json convert_json(const ConvertReport& report);

}  // namespace nibble::quant
