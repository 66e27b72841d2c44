/// Tables of keys and values that fit any model, for tests of schemes that need some.
#pragma once

#include "model/kv_setup.h"

namespace nibble::model::testing {

/// Even levels; limits of every channel of -4 and 4.
inline KvTableList flat_tables(const ModelConfig& config, std::size_t bits) {
  codec::KvTables tables;
  const auto n = static_cast<float>(1U << bits);
  for (std::size_t i = 0; i < std::size_t{1} << bits; ++i) {
    tables.key_levels.push_back((2 * static_cast<float>(i) + 1) / n - 1);
  }
  tables.value_levels = tables.key_levels;
  tables.key_limits.assign(config.n_kv_heads * config.head_dim, {-4.0F, 4.0F});
  return KvTableList(config.n_layers, codec::complete_tables(std::move(tables)));
}

}  // namespace nibble::model::testing
