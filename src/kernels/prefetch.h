/// Asking for packed weights before they are wanted.
///
/// A product of a few tokens waits for memory. Where a kernel reads codes and scales in turn, the
/// processor's own prefetchers fall behind; a request for each line, a constant way ahead in the
/// order in which panels lie in memory, helps (docs/kernels.md). One plain stream of floats does
/// not want it.
///
/// Layout     lines of 64 bytes, into the second-level cache: what is under way would push the
///            activations out of the first
/// Threads    reentrant
/// Errors     none: an address that nobody may read is ignored by the processor
/// Source     our own
#pragma once

#include <cstddef>

namespace nibble::kernels {

/// Bytes. From 16 to 128 KiB all are alike on Zen 4; 4 KiB is too near.
inline constexpr std::size_t kPrefetchAhead = std::size_t{32} << 10;

namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

/// Wider tiles wait for arithmetic.
constexpr int kWidestPrefetchingTile = 4;

/// `n_lines` lines from `at` on.
[[gnu::always_inline]] inline void prefetch_lines(const void* at, int n_lines) noexcept {
  constexpr std::size_t kLine = 64;
  for (int i = 0; i < n_lines; ++i) {
    __builtin_prefetch(static_cast<const char*>(at) + static_cast<std::size_t>(i) * kLine, 0, 2);
  }
}

}  // namespace
}  // namespace nibble::kernels
