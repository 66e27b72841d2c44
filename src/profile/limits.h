/// What this machine can do at most, measured: the rates that kernels and whole models are compared
/// with.
///
/// Each limit is measured with one thread and, where the pool has more, with all of them, in
/// `repetitions` rounds of some 20 ms. Reads go over a buffer of at least four times the last-level
/// cache.
///
/// Units      GOPS (multiplications and additions), GB/s (1e9 bytes); steady clock
/// Errors     kOutOfMemory when the buffer for reads cannot be had; kCancelled between rounds
/// Source     the roofline model; kernels/probes.h
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/select.h"

namespace nibble::profile {

struct Limit {
  std::string name;         ///< "int8 dot product", "memory read"
  std::string instruction;  ///< what was executed; "" for reads
  std::string unit;         ///< "GOPS", "GB/s"
  std::size_t n_threads = 1;
  std::vector<double> values;  ///< one a round, in order of time
};

struct LimitOptions {
  std::size_t repetitions = 5;
  std::size_t read_bytes = 0;  ///< 0: four times the last-level cache, at least 256 MiB
};

std::vector<Limit> measure_limits(const kernels::KernelSet& kernels,
                                  ThreadPool& pool,
                                  const LimitOptions& options = {});

}  // namespace nibble::profile
