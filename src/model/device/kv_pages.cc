#include "model/device/kv_pages.h"

#include <vector>

namespace nibble::model {

bool DeviceKvPages::use(ops::Device& device, const ModelConfig& config, const KvCache& cache) {
  const KvSetup& setup = cache.setup();
  scheme_ = setup.scheme;
  shape_ = {config.n_kv_heads, config.head_dim};
  if (!scheme_->needs_tables() || tables_ == setup.tables) {
    return false;
  }
  std::vector<float> floats;
  for (const codec::KvTables& table : *setup.tables) {
    ops::append_tables(table, floats);
  }
  const bool had_others = tables_ != nullptr;
  on_device_ = device.upload(std::span<const float>(floats));
  tables_ = setup.tables;  // held, so that no other list ever has its address
  return had_others;
}

kernels::cuda::KvPages DeviceKvPages::of_layer(std::size_t layer,
                                               const ops::DeviceBuffer& inverse_frequency) const {
  kernels::cuda::KvPages pages = ops::layer_pages(*scheme_, shape_, layer);
  if (scheme_->needs_tables()) {
    ops::point_to_tables(
        on_device_.as<const float>() + layer * ops::table_floats(shape_), shape_, pages);
  }
  if (scheme_->keys_before_rope) {
    pages.inverse_frequency = inverse_frequency.as<const float>();
  }
  return pages;
}

}  // namespace nibble::model
