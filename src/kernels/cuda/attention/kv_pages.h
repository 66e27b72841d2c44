/// Keys and values of one layer in pages of any kind: binary16, or coded with floats beside them
/// where a scheme keeps some (codec/kv/page.h, codec/kv/scheme.h).
///
/// A query at position p sees keys below p - p % residual and values below p - residual coded, the
/// others as floats; without a residual all are coded but the sinks.
///
/// Layout     floats of a page [n_kv_heads][float_tokens][head_dim] binary16, keys and values each
/// Units      offsets in bytes
/// Source     codec/kv/page.h; docs/decisions/0042-coded-kv-on-a-device.md
#pragma once

#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

/// codec::KvKind, in its order.
enum class PageKind : int { kFloat, kTokenGroups, kChannelGroups, kChannelLevels, kTokenLevels };

/// Keys, or values, of a layer: codec::KvFormat and its layout.
struct KvBlock {
  PageKind kind = PageKind::kFloat;
  int bits = 0;
  std::size_t at = 0;  ///< from the start of a page
  int head_bytes = 0;
  int pairs = 0;
  int outliers = 0;
  int outlier_room = 0;
  const float* levels = nullptr;  ///< [2^bits] on the device
  std::size_t floats_at = 0;      ///< from the start of a page of floats
};

struct KvPages {
  KvBlock keys, values;
  int float_tokens = 0;  ///< of a page of floats; all of its tokens where nothing is coded
  int residual = 0;
  int n_sinks = 0;
  /// For channel levels, [width] each: lower and upper limit; middle and half of them.
  const float* key_limits = nullptr;
  const float* key_spans = nullptr;
  /// [head_dim / 2] where keys are turned when they are read, else nullptr.
  const float* inverse_frequency = nullptr;
  /// The two quantiles between which a value is no outlier: ranks and what counts of the next one.
  int cut_rank[2] = {};
  float cut_weight[2] = {};

  [[nodiscard]] constexpr bool is_coded() const noexcept { return keys.kind != PageKind::kFloat; }
};

struct StoreTask {
  BatchView batch;
  KvShape shape;
  KvPages kv;
  const void* qkv = nullptr;  ///< as rope_store with `stays` leaves it
  float* cuts = nullptr;      ///< [n_tokens][2] where values are token levels
};

}  // namespace nibble::kernels::cuda
