/// Reads tokens of one head back from blocks of coded keys or values, plainly: what the fast
/// kernels are compared with.
///
/// Shapes     out [n, head_dim]
/// Precision  float32, products and sums as written in page.h
/// Source     our own
#pragma once

#include <cstdint>

#include "codec/kv/tables.h"

namespace nibble::codec {

struct KvReadBlock {
  KvFormat format;
  KvShape shape;
  const std::uint8_t* bytes = nullptr;
};

/// Where tokens [slot, slot + n) of `head` go.
struct KvSlots {
  std::size_t head = 0;
  std::size_t slot = 0;
  std::size_t n = 0;
};

/// `tables` is needed for levels only. Keys of channel groups are there once a group of 32 is full.
void read_kv_block(const KvReadBlock& block,
                   const KvTables* tables,
                   const KvSlots& slots,
                   float* out) noexcept;

}  // namespace nibble::codec
