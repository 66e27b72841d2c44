/// How a cache keeps keys and values, as the kernels for pages of any kind want to know it.
///
/// Threads    one pass at a time
/// Errors     those of Device
/// Source     our own; ops/device/kv_pages.h
#pragma once

#include <cstddef>
#include <memory>

#include "model/kv_cache.h"
#include "ops/device/device.h"
#include "ops/device/kv_pages.h"

namespace nibble::model {

class DeviceKvPages {
 public:
  /// From now on those of `cache`. True when passes that were recorded read tables that are no
  /// longer there.
  bool use(ops::Device& device, const ModelConfig& config, const KvCache& cache);

  [[nodiscard]] const codec::KvScheme& scheme() const noexcept { return *scheme_; }
  /// With the tables, and the angles that keys are turned by when they are read.
  [[nodiscard]] kernels::cuda::KvPages of_layer(std::size_t layer,
                                                const ops::DeviceBuffer& inverse_frequency) const;

 private:
  const codec::KvScheme* scheme_ = nullptr;
  codec::KvShape shape_;
  std::shared_ptr<const KvTableList> tables_;
  ops::DeviceBuffer on_device_;  ///< a row of tables for each layer
};

}  // namespace nibble::model
