/// Loops that keep one unit of the processor busy and do nothing else: the limits that kernels are
/// compared with.
///
/// Threads    reentrant
/// Errors     none
/// Source     our own; docs/kernels.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace nibble::kernels {

/// Independent chains of one instruction, enough of them to hide its latency.
struct PeakProbe {
  std::string_view name;         ///< "float32 multiply-add"
  std::string_view instruction;  ///< "vfmadd231ps zmm"
  double ops_per_call = 0.0;     ///< multiplications and additions of one `run`
  void (*run)() noexcept = nullptr;
};

struct Probes {
  std::span<const PeakProbe> peaks;
  /// Reads all of `bytes` once; the result depends on every byte of it, so nothing can be left out.
  std::uint64_t (*read)(const std::byte* bytes, std::size_t n_bytes) noexcept = nullptr;
};

}  // namespace nibble::kernels
