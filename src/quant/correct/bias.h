/// Bias correction: the mean output of a quantized layer becomes that of the original one.
///
///   shift[r] = sum_c (weight[r, c] - quantized[r, c]) input_mean[c]
///
/// Precision  sums in float64
/// Threads    split by rows over `pool`; the result does not depend on its size
/// Errors     none
/// Source     Nagel et al. 2019 (Data-free quantization), arXiv 1906.04721, section 4.2, with means
///            of calibration text
#pragma once

#include <vector>

#include "quant/correct.h"

namespace nibble::quant {

std::vector<float> mean_error(const CorrectInput& input, ThreadPool& pool);

}  // namespace nibble::quant
