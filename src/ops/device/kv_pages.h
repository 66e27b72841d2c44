/// Where the keys and values of a layer lie in the pages of a device, and the tables that their
/// codes need, as kernels/cuda/attention wants to know them.
///
/// Layout     a page holds, for each layer, K then V, binary16 or a block of codes each; a page of
///            floats alike
/// Errors     none; check_coding and check_kv_tables validate
/// Source     our own; codec/kv/page.h
#pragma once

#include <cstddef>
#include <vector>

#include "codec/kv/scheme.h"
#include "codec/kv/tables.h"
#include "kernels/cuda/attention/kv_pages.h"

namespace nibble::ops {

/// Without tables, and without angles for keys that are turned when they are read.
kernels::cuda::KvPages layer_pages(const codec::KvScheme& scheme,
                                   const codec::KvShape& shape,
                                   std::size_t layer);

/// A layer's tables in one row: [16] levels of keys, [16] of values, then of each channel of keys
/// its two limits, and of each its middle and half.
[[nodiscard]] constexpr std::size_t table_floats(const codec::KvShape& shape) noexcept {
  return 2 * 16 + 4 * shape.width();
}
void append_tables(const codec::KvTables& tables, std::vector<float>& out);
/// `on_device` is where such a row lies.
void point_to_tables(const float* on_device,
                     const codec::KvShape& shape,
                     kernels::cuda::KvPages& pages);

}  // namespace nibble::ops
