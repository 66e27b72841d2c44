/// A correction changes what a linear layer has beside its weights once these are quantized, so
/// that the layer errs less on calibration text.
///
/// Corrections are rows of the table in methods.cc, like solvers; the last stage of a recipe may
/// name one.
///
/// Shapes     weight, quantized [rows, cols]; input_mean [cols], the mean of each input over the
///            text
/// Source     our own
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

struct CorrectInput {
  MatrixView<const float> weight;
  MatrixView<const float> quantized;
  std::span<const double> input_mean;
};

struct CorrectionRow {
  std::string_view name;
  std::string_view summary;
  /// [rows] what is added to the layer's bias.
  std::vector<float> (*bias_shift)(const CorrectInput& input, ThreadPool& pool);
};

std::span<const CorrectionRow> correction_table();
/// kUnsupported names the nearest correction.
Result<const CorrectionRow*> find_correction(std::string_view name);

}  // namespace nibble::quant
