/// GPTQ on a device; solve/gptq.h says what it does.
///
/// Precision  as on the host within a block of 128 inputs; the products behind a block are float32
///            sums in cuBLAS's order, and the moment comes from device/moment.h. Codes equal the
///            host's for the same moment but for ties that the last bits of such a sum decide, and
///            what the inputs behind them make of a code that differs
/// Errors     those of Device and of device/moment.h
/// Source     solve/gptq.h
#pragma once

#include "quant/device/matrix.h"
#include "quant/device/moment.h"
#include "quant/solve/gptq.h"

namespace nibble::quant {

/// Whether `gptq_on` takes these settings; else kUnsupported says which it does not.
Result<void> check_gptq_on(const GptqSettings& settings);

struct DeviceGptq {
  DeviceCodes codes;
  std::size_t n_dead = 0;
  double damping = 0;        ///< as it was used
  bool is_diagonal = false;  ///< no damping made the moment positive definite
};

DeviceGptq gptq_on(ops::Device& device,
                   const DeviceMatrix& weight,
                   DeviceMoment& moment,
                   const codec::IntGroupFormat& format,
                   const GptqSettings& settings);

}  // namespace nibble::quant
