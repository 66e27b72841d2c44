#include "profile/limits.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>

#include "base/cancel.h"
#include "base/error.h"

namespace nibble::profile {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(FunctionRef<void()> work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Calls of a probe that take about 20 ms on one thread.
std::size_t calls_of_a_round(const kernels::PeakProbe& probe) {
  constexpr double kRoundSeconds = 0.02;
  std::size_t n = 1;
  double seconds = 0.0;
  while (true) {
    seconds = seconds_of([&] {
      for (std::size_t i = 0; i < n; ++i) {
        probe.run();
      }
    });
    if (seconds > kRoundSeconds / 4) {
      return std::max<std::size_t>(
          1, static_cast<std::size_t>(static_cast<double>(n) * kRoundSeconds / seconds));
    }
    n *= 2;
  }
}

Limit measure_peak(const kernels::PeakProbe& probe, ThreadPool& pool, std::size_t repetitions) {
  const std::size_t n_calls = calls_of_a_round(probe);
  Limit limit{std::string(probe.name), std::string(probe.instruction), "GOPS", pool.size(), {}};
  for (std::size_t round = 0; round < repetitions; ++round) {
    cancel_flag().check();
    const double seconds = seconds_of(
        [&] { pool.run(n_calls * pool.size(), [&](std::size_t, std::size_t) { probe.run(); }); });
    limit.values.push_back(probe.ops_per_call * static_cast<double>(n_calls * pool.size()) /
                           seconds / 1e9);
  }
  return limit;
}

std::size_t default_read_bytes() {
  constexpr std::size_t kLeast = std::size_t{256} << 20;
  const long cache = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
  return std::max(kLeast, cache > 0 ? 4 * static_cast<std::size_t>(cache) : 0);
}

/// Memory that is really there: untouched pages would all be one page of zeros.
std::unique_ptr<std::byte[]> filled_buffer(std::size_t n_bytes) {
  std::unique_ptr<std::byte[]> buffer(new (std::nothrow) std::byte[n_bytes]);
  if (buffer == nullptr) {
    raise(ErrorCode::kOutOfMemory, "memory read: no buffer of {} MiB", n_bytes >> 20);
  }
  std::memset(buffer.get(), 0x5A, n_bytes);
  return buffer;
}

Limit measure_read(const kernels::Probes& probes,
                   const std::byte* buffer,
                   std::size_t n_bytes,
                   ThreadPool& pool,
                   std::size_t repetitions) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  const std::size_t n_pieces = std::max<std::size_t>(1, n_bytes / kPiece);
  const std::size_t piece = n_bytes / n_pieces;
  Limit limit{"memory read", "", "GB/s", pool.size(), {}};
  for (std::size_t round = 0; round < repetitions; ++round) {
    cancel_flag().check();
    const double seconds = seconds_of([&] {
      pool.run(n_pieces, [&](std::size_t task, std::size_t) {
        volatile std::uint64_t sum = probes.read(buffer + task * piece, piece);
        static_cast<void>(sum);
      });
    });
    limit.values.push_back(static_cast<double>(n_pieces * piece) / seconds / 1e9);
  }
  return limit;
}

}  // namespace

std::vector<Limit> measure_limits(const kernels::KernelSet& kernels,
                                  ThreadPool& pool,
                                  const LimitOptions& options) {
  const std::size_t n_bytes = options.read_bytes != 0 ? options.read_bytes : default_read_bytes();
  const auto buffer = filled_buffer(n_bytes);
  ThreadPool one(1);
  std::vector<Limit> limits;
  for (ThreadPool* threads : {&one, &pool}) {
    if (threads == &pool && pool.size() == 1) {
      break;
    }
    for (const kernels::PeakProbe& probe : kernels.probes->peaks) {
      limits.push_back(measure_peak(probe, *threads, options.repetitions));
    }
    limits.push_back(
        measure_read(*kernels.probes, buffer.get(), n_bytes, *threads, options.repetitions));
  }
  return limits;
}

}  // namespace nibble::profile
