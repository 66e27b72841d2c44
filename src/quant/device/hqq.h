/// HQQ on a device; solve/hqq.h says what it does.
///
/// Precision  each operation as on the host; sums over groups and over the matrix are float64 in
///            another order. Codes equal the host's but for ties that the last bit of such a sum,
///            or of a power of a residual above `shrink`'s threshold, decides
/// Errors     those of Device
/// Source     solve/hqq.h
#pragma once

#include "quant/device/matrix.h"
#include "quant/solve/hqq.h"

namespace nibble::quant {

DeviceCodes hqq_on(ops::Device& device,
                   const DeviceMatrix& weight,
                   const codec::IntGroupFormat& format,
                   const HqqSettings& settings);

}  // namespace nibble::quant
