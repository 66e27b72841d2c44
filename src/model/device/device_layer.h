/// One layer of a decoder on a device.
///
/// q, k and v are one matrix, gate and up another whose rows take turns (interleaved_rows).
///
/// Precision  norms float32; linear layers as kernels/fragments.h has them
/// Source     our own
#pragma once

#include <cstddef>

#include "ops/device/linear.h"

namespace nibble::model {

struct DeviceLayer {
  ops::DeviceBuffer attention_norm, mlp_norm;    ///< float [hidden]
  ops::DeviceBuffer attended_norm, output_norm;  ///< behind both branches, or nothing
  ops::DeviceBuffer qkv_bias;                    ///< float, or nothing
  ops::DeviceBuffer q_norm, k_norm;              ///< float [head_dim], or nothing
  ops::DeviceBuffer inverse_frequency;           ///< float [head_dim / 2]
  ops::DeviceLinear qkv, o, gate_up, down;

  /// Of the matrices.
  [[nodiscard]] std::size_t n_bytes() const noexcept {
    return qkv.n_bytes() + o.n_bytes() + gate_up.n_bytes() + down.n_bytes();
  }
  /// Of a block that holds the matrices.
  [[nodiscard]] std::size_t block_bytes() const noexcept {
    return qkv.block_bytes() + o.block_bytes() + gate_up.block_bytes() + down.block_bytes();
  }
};

}  // namespace nibble::model
