/// AWQ's clipping on a device; transform/awq_clip.h says what it does.
///
/// Precision  weights as on the host; second moments of binary16 inputs with float32 sums, products
///            with them float32, errors float64. Limits are the host's but for ties
/// Errors     those of Device; kUnsupported for activations that are not finite; kCancelled
/// Source     transform/awq_clip.h
#pragma once

#include <map>
#include <string>
#include <vector>

#include "quant/device_transform.h"

namespace nibble::quant {

/// Clips the block in place; the limits by the name of the layer.
std::map<std::string, std::vector<float>> awq_clip_on(const DeviceTransformInput& input);

}  // namespace nibble::quant
