/// A transform on a device: the same settings and choices as on the host, for a block whose
/// calibration tokens lie there.
///
/// Such a transform is a Transform whose `device_transform` is not null.
///
/// Precision  device/awq_scale.h and device/awq_clip.h say how choices may differ from the host's
/// Threads    one host thread a device
/// Errors     those of Device; kUnsupported for activations that are not finite; kCancelled
/// Source     our own
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "codec/codec.h"
#include "quant/device/block.h"
#include "quant/device/walk.h"

namespace nibble::quant {

struct DeviceTransformInput {
  ops::Device& device;
  DeviceBlock& block;
  DeviceWalk& walk;  ///< its tokens are at the block's entrance, and stay there
  /// As TransformInput has it.
  std::function<std::shared_ptr<const codec::Codec>(std::string_view)> codec_of;
};

class DeviceTransform {
 public:
  virtual ~DeviceTransform() = default;

  virtual void apply_on(const DeviceTransformInput& input) const = 0;
};

}  // namespace nibble::quant
