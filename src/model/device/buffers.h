/// What a pass of a device's decoder writes, for as many rows as any pass so far had.
///
/// Layout     [rows][width] each, contiguous
/// Errors     those of Device::allocate
/// Source     our own
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>

#include "model/device/decoder.h"
#include "ops/device/linear.h"

namespace nibble::model {

inline constexpr std::size_t kHalfBytes = 2;
/// Sequences of a recorded pass; more of them run as they come.
inline constexpr std::size_t kMostRecorded = 64;

inline std::size_t qkv_cols(const ModelConfig& config) {
  return (config.n_heads + 2 * config.n_kv_heads) * config.head_dim;
}

/// Logits of one product: 256 MiB.
inline std::size_t logit_rows_at_once(std::size_t vocab) {
  constexpr std::size_t kLogitsAtOnce = std::size_t{64} << 20;
  return std::max<std::size_t>(1, kLogitsAtOnce / vocab);
}

/// Of the buffers that Buffers::need_rows allocates.
inline std::size_t row_bytes(const ModelConfig& config) {
  const std::size_t n_halves =
      config.hidden + qkv_cols(config) + config.n_heads * config.head_dim + config.intermediate;
  const std::size_t n_streams = config.sandwich_norms ? 4 : 3;
  return n_streams * config.hidden * sizeof(float) + n_halves * kHalfBytes;
}

struct DeviceDecoder::Buffers {
  ops::DeviceBuffer hidden, narrowed;  ///< float [rows][hidden]
  ops::DeviceBuffer branch;            ///< the same, where norms follow branches
  ops::DeviceBuffer normed;            ///< half [rows][hidden]
  ops::DeviceBuffer qkv, attended, gated;
  ops::DeviceBuffer final_hidden;  ///< float [rows][hidden]
  ops::DeviceScratch partial, cuts, logits, log_sums, best, targets, target_logits;
  ops::LinearScratch linear;
  std::shared_ptr<std::byte> staging;  ///< page-locked, of the host
  std::size_t staging_bytes = 0;
  std::size_t n_rows = 0;

  /// Whether what was recorded with the old buffers is void.
  bool need_rows(ops::Device& device, const ModelConfig& config, std::size_t rows) {
    if (rows <= n_rows) {
      return false;
    }
    n_rows = std::max<std::size_t>(std::bit_ceil(rows), kMostRecorded);
    hidden = device.allocate(n_rows * config.hidden * sizeof(float));
    narrowed = device.allocate(n_rows * config.hidden * sizeof(float));
    if (config.sandwich_norms) {
      branch = device.allocate(n_rows * config.hidden * sizeof(float));
    }
    final_hidden = device.allocate(n_rows * config.hidden * sizeof(float));
    normed = device.allocate(n_rows * config.hidden * kHalfBytes);
    qkv = device.allocate(n_rows * qkv_cols(config) * kHalfBytes);
    attended = device.allocate(n_rows * config.n_heads * config.head_dim * kHalfBytes);
    gated = device.allocate(n_rows * config.intermediate * kHalfBytes);
    return true;
  }

  std::byte* need_staging(ops::Device& device, std::size_t n_bytes) {
    if (staging_bytes < n_bytes) {
      staging = device.allocate_host(n_bytes);
      staging_bytes = n_bytes;
    }
    return staging.get();
  }
};

}  // namespace nibble::model
