/// Calls f(i) for each i in [0, n), `per_task` of them to a task of the pool: enough work to hide
/// the hand-out.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/checked_math.h"
#include "base/thread_pool.h"

namespace nibble::quant {

template <class F>
void parallel_for(ThreadPool& pool, std::size_t n, std::size_t per_task, const F& f) {
  pool.run(ceil_div(n, per_task), [&](std::size_t task, std::size_t /*worker*/) {
    const std::size_t end = std::min(n, (task + 1) * per_task);
    for (std::size_t i = task * per_task; i < end; ++i) {
      f(i);
    }
  });
}

}  // namespace nibble::quant
