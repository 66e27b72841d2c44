/// What the operations on rows share: a check of shapes, and rows spread over a pool.
///
/// Errors     kShapeMismatch
/// Source     our own
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

/// Elements that are worth a hand-over to another thread.
inline constexpr std::size_t kTaskElements = 16384;

inline void require_same_shape(const char* where,
                               std::size_t rows,
                               std::size_t cols,
                               MatrixView<float> y) {
  if (rows != y.rows || cols != y.cols) {
    raise(ErrorCode::kShapeMismatch,
          "{}: operands are [{}, {}] and [{}, {}], equal shapes are wanted",
          where,
          rows,
          cols,
          y.rows,
          y.cols);
  }
}

/// Calls f(row) for each row, several rows a task.
template <class F>
void for_each_row(std::size_t rows, std::size_t cols, ThreadPool& pool, const F& f) {
  if (rows == 0 || cols == 0) {
    return;
  }
  const std::size_t chunk = ceil_div(kTaskElements, cols);
  pool.run(ceil_div(rows, chunk), [&](std::size_t task, std::size_t /*worker*/) {
    const std::size_t end = std::min(rows, (task + 1) * chunk);
    for (std::size_t r = task * chunk; r < end; ++r) {
      f(r);
    }
  });
}

}  // namespace nibble::ops
