/// Computes an importance matrix and writes it as llama.cpp does: for each linear layer of the
/// decoder blocks the mean square of each input, on calibration text run through the model as it
/// is.
///
/// Layout     docs/formats/imatrix.md
/// Threads    equal results for any number of threads
/// Errors     those of checkpoints, text and tokenizers; kUnsupported for activations that are not
///            finite; kInvalidArgument for a file that exists; kIo; kCancelled
/// Source     our own
#pragma once

#include <filesystem>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "quant/calibrate/windows.h"

namespace nibble::quant {

struct ImportanceReport {
  std::size_t n_weights = 0;
  std::size_t n_tokens = 0;
  std::string calibration_sha256;  ///< of the tokens
};

/// `data` is the folder of calibration text.
Result<ImportanceReport> write_importance(const io::Checkpoint& checkpoint,
                                          const CalibrationSpec& spec,
                                          const std::filesystem::path& data,
                                          const std::filesystem::path& file,
                                          ThreadPool& pool,
                                          ProgressSink& progress);

}  // namespace nibble::quant
