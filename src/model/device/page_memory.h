/// Pages of keys and values in the memory of a device.
///
/// Errors     kOutOfMemory with the sizes
/// Source     our own
#pragma once

#include <memory>

#include "model/page_pool.h"
#include "ops/device/device.h"

namespace nibble::model {

/// Pages are zero when they are new, so that no lane multiplies what was never a number.
std::shared_ptr<PageMemory> device_page_memory(std::shared_ptr<ops::Device> device);

}  // namespace nibble::model
