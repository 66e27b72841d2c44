/// What the kernels that convert activations share: the walk over the blocks of a tile.
///
/// Everything is in an unnamed namespace: each kernel file compiles its own copy for its own
/// instruction set.
///
/// Source     our own
#pragma once

#include <cstddef>

#include "kernels/linear.h"

namespace nibble::kernels {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

/// [col][T] floats, one by one.
inline void pack_columns(const PackTask& task) noexcept {
  auto* out = reinterpret_cast<float*>(task.out);
  const std::size_t cols = task.format->cols;
  if (task.n_tokens < task.tile || cols < task.format->depth) {
    __builtin_memset(out, 0, task.format->depth * task.tile * sizeof(float));
  }
  for (std::size_t c = 0; c < cols; ++c) {
    for (std::size_t t = 0; t < task.n_tokens; ++t) {
      out[c * task.tile + t] = task.x[t * task.x_stride + c];
    }
  }
}

/// Calls pack(task, token, x of the block, its columns, where the block of the tile lies) for all
/// blocks and tokens of an int8 tile. A block ends with its group.
template <class Pack>
void pack_blocks(const PackTask& task, const Pack& pack) noexcept {
  const GroupShape& groups = task.format->groups;
  const std::size_t block_bytes = task.tile * (groups.block + 3 * sizeof(float));
  if (task.n_tokens < task.tile) {
    __builtin_memset(task.out, 0, groups.n_blocks * block_bytes);
  }
  std::size_t first = 0;  // column of the block, and what is left of its group
  std::size_t left = groups.group < groups.cols ? groups.group : groups.cols;
  for (std::size_t b = 0; b < groups.n_blocks; ++b) {
    const std::size_t n = left < groups.block ? left : groups.block;
    for (std::size_t t = 0; t < task.n_tokens; ++t) {
      pack(task, t, task.x + t * task.x_stride + first, n, task.out + b * block_bytes);
    }
    first += n;
    left -= n;
    if (left == 0) {
      const std::size_t rest = groups.cols - first;
      left = groups.group < rest ? groups.group : rest;
    }
  }
}

}  // namespace
}  // namespace nibble::kernels
