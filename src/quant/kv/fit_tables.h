/// KVQuant's tables of one layer from keys and values of calibration text: limits of each channel
/// of the keys, levels for keys and for values.
///
/// A number counts with the square of its vector's half width, so that the levels lower the error
/// of the keys and values themselves, and with its importance: the square of the loss's gradient,
/// as in the reference, or all alike.
///
/// Shapes     k (before RoPE), v [tokens, n_heads * head_dim]; windows of `window` tokens, of which
///            the first `n_sinks` are left out; importance as the numbers
/// Errors     kCorruptData: keys or values that are not finite; kInvalidArgument: no tokens
/// Source     Hooper et al. 2024, arXiv 2401.18079
#pragma once

#include <cstddef>
#include <vector>

#include "codec/kv/tables.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

struct KvWindows {
  std::size_t window = 0;
  std::size_t n_sinks = 0;
  [[nodiscard]] bool is_sink(std::size_t token) const noexcept { return token % window < n_sinks; }
};

/// How much each key and value counts; without data all count alike.
struct KvImportance {
  MatrixView<const float> keys = {};
  MatrixView<const float> values = {};
};

/// The quantiles 0.5 % and 99.5 % of each channel.
std::vector<codec::KvLimits> key_limits(MatrixView<const float> k, const KvWindows& windows);
/// Levels for keys within the limits of their channels.
std::vector<float> key_levels(MatrixView<const float> k,
                              std::span<const codec::KvLimits> limits,
                              const KvWindows& windows,
                              std::size_t bits,
                              MatrixView<const float> importance = {});
/// Levels for values within the limits of their tokens.
std::vector<float> value_levels(MatrixView<const float> v,
                                const KvWindows& windows,
                                std::size_t bits,
                                MatrixView<const float> importance = {});

codec::KvTables fit_kv_tables(MatrixView<const float> k,
                              MatrixView<const float> v,
                              const KvWindows& windows,
                              std::size_t bits,
                              const KvImportance& importance = {});

}  // namespace nibble::quant
