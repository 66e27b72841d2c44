/// Nearest codes on a device; solve/nearest.h says what they are.
///
/// Shapes     weight [rows, cols]
/// Requires   formats with an integer or a middle zero and groups of neighbours; the rules minmax
///            and raw
/// Precision  each operation as on the host: equal codes
/// Errors     those of Device
/// Source     solve/nearest.h
#pragma once

#include "quant/device/matrix.h"
#include "quant/solve/nearest.h"

namespace nibble::quant {

/// The shape of a matrix in groups of the format, without codes.
kernels::cuda::GroupedMatrix grouped_shape(const DeviceMatrix& weight,
                                           const codec::IntGroupFormat& format);
kernels::cuda::GridRule grid_rule(const codec::IntGroupFormat& format, RangeRule rule);

DeviceCodes nearest_on(ops::Device& device,
                       const DeviceMatrix& weight,
                       const codec::IntGroupFormat& format,
                       RangeRule rule);

}  // namespace nibble::quant
