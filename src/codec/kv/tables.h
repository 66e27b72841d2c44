/// What calibration found for a layer's keys and values on levels.
///
/// Shapes     lower, upper, middle, half [n_heads * head_dim]; levels [2^bits], ascending
/// Errors     `check_kv_tables`: kCorruptData for sizes, levels and limits that cannot be
/// Source     our own; the contents are KVQuant's (arXiv 2401.18079)
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "codec/kv/levels.h"
#include "codec/kv/page.h"

namespace nibble::codec {

struct KvTables {
  std::vector<float> key_levels, value_levels;
  std::vector<KvLimits> key_limits;         ///< of each channel
  std::vector<float> key_middle, key_half;  ///< what `complete_tables` makes of the limits
};

/// The tables with the middles and halves of their limits.
KvTables complete_tables(KvTables tables);

Result<void> check_kv_tables(const KvTables& tables, const KvShape& shape, std::size_t bits);

}  // namespace nibble::codec
