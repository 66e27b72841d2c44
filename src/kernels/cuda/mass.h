/// How attention is spread over spans of keys on a CUDA device: the masses of kernels/mass/mass.h
/// for some queries of a pass, from keys as its pages hold them.
///
/// Layout     qkv and pages as kernels.h has them; masses of a row [layers][n_heads][n_spans]
/// Precision  queries and keys are binary16, as attention reads them; scores, weights and sums are
///            float32, in an order that depends on a row's own keys and spans alone
/// Threads    one host thread a device
/// Source     kernels/mass/mass.h
#pragma once

#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

/// Positions [begin, end).
struct MassSpan {
  std::int32_t begin, end;
};

/// A query whose masses are wanted.
struct MassRow {
  std::int32_t row;  ///< of the batch
  std::int32_t first_span, n_spans;
  std::int32_t padding;
  std::uint64_t out;  ///< floats from `masses` to its masses of the first layer
};

struct MassTask {
  RopeTask rope;                  ///< whose qkv is asked; its shape says the layer of the pages
  bool is_turned = false;         ///< queries are as rope_store leaves them, else as they came
  std::size_t layer = 0;          ///< of the masses
  const MassRow* rows = nullptr;  ///< on the device
  const MassSpan* spans = nullptr;
  int n_rows = 0;
  int n_keys = 0;           ///< keys that the last of the rows sees, at least
  float* scores = nullptr;  ///< [n_rows][n_heads][n_keys], overwritten
  float* masses = nullptr;
  float scale = 1;
  float softcap = 0;  ///< 0: none
  int window = 0;     ///< 0: none
};

/// Queues the masses of a layer; nullptr in a build without CUDA.
using SumMasses = void (*)(const MassTask& task, Stream stream);
SumMasses sum_masses() noexcept;

}  // namespace nibble::kernels::cuda
