/// AWQ's scaling on a device; transform/awq_scale.h says what it does.
///
/// Inputs of a site are kept for the search, and outputs of the module; each ratio runs the module
/// over them again. A ratio is given up once its sum of squares is above the least so far,
/// which changes no choice; ratios in the middle are tried first.
///
/// Precision  means and weights as on the host; what enters a product is binary16, except the
///            differences and the second moment of a single layer, which are float32; outputs and
///            sums float32, sums of squares float64. Choices are the host's but for ties at some
///            1e-5 of an error
/// Errors     those of Device; kUnsupported for activations that are not finite; kCancelled
/// Source     transform/awq_scale.h
#pragma once

#include <vector>

#include "quant/device_transform.h"
#include "quant/transform/awq_scale.h"

namespace nibble::quant {

/// Scales the block in place; `errors` of ratios given up are too small.
std::vector<AwqScale> awq_scale_on(const DeviceTransformInput& input,
                                   const AwqScaleSettings& settings = {});

}  // namespace nibble::quant
