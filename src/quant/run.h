/// Quantizes a checkpoint into a folder that nibble reads back: one weight in memory at a time.
///
/// The folder holds config.json, model.safetensors and the tokenizer's files. It appears under its
/// final name only when it is complete. Equal weights, recipe and version give equal bytes for any
/// number of threads. Codes that a device chose may differ from the host's (quant/device/).
///
/// Recipes with calibration keep finished blocks in "FOLDER.blocks.HASH" until the folder is
/// written; run again after a kill, they go on behind the last block. Who runs the same job there
/// while it runs is refused.
///
/// Threads    the work of a weight is split over `pool`; weights follow one another
/// Errors     kUnsupported for NaN or infinite weights (tensor and position named), and before any
///            work for what a device does not do; kDevice; kIo; kCancelled between weights;
///            finished blocks of a calibrated run stay, and the next run goes on
/// Source     our own; the folder's layout is in docs/formats/checkpoint.md
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
#include "quant/plan.h"
#include "quant/solve_weight.h"

namespace nibble::quant {

/// The pair of the weight file's metadata that tells how it came to be; every folder that
/// `quantize` or `convert` wrote has it, and no other.
inline constexpr std::string_view kProvenanceKey = "nibble.provenance";

struct QuantizeReport {
  Plan plan;
  std::vector<WeightReport> weights;  ///< the quantized ones, in the plan's order
  std::string calibration_sha256;     ///< of the tokens; "" without calibration
  double relative_error = 0;          ///< over all quantized weights together
  std::size_t file_bytes = 0;         ///< weight files as written
  double seconds = 0;
  bool is_resumed = false;  ///< blocks of an earlier run were taken over: `seconds` is of the rest
};

/// Where a run finds what it needs beside the checkpoint and the recipe.
struct QuantizePlace {
  std::filesystem::path data = {};  ///< the folder of calibration text
  std::string device = "cpu";       ///< or "cuda:0": methods run there where they can
};

/// Where a recipe's weights are made.
struct QuantizeSide {
  std::string device = "cpu";
  std::string reason = {};  ///< why the host makes them although a device is there; else empty
};

/// The device where it does something of the recipe and no part of the recipe wants the host; asks
/// no driver. Throws what reading the model reports.
QuantizeSide choose_side(const io::Checkpoint& checkpoint,
                         const Recipe& recipe,
                         const std::string& device);

/// `out_folder` is created and must not hold anything yet; its parent must exist.
Result<QuantizeReport> quantize_checkpoint(const io::Checkpoint& checkpoint,
                                           const Recipe& recipe,
                                           const std::filesystem::path& out_folder,
                                           ThreadPool& pool,
                                           ProgressSink& progress,
                                           const QuantizePlace& place = {});

std::string report_text(const QuantizeReport& report);
Json report_json(const QuantizeReport& report);

}  // namespace nibble::quant
