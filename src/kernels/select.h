/// The kernels of this process: chosen once, by the processor and the environment variable
/// NIBBLE_ISA.
///
/// NIBBLE_ISA=generic|avx2|avx512|avx512fma|neon forces one set; a name that is unknown or that the
/// processor lacks is an error.
///
/// Threads    chosen on first use, immutable afterwards
/// Errors     kInvalidArgument, kUnsupported for NIBBLE_ISA
/// Source     our own
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/attention.h"
#include "kernels/elementwise.h"
#include "kernels/hadamard.h"
#include "kernels/linear.h"
#include "kernels/mass/mass.h"
#include "kernels/probes.h"

namespace nibble::kernels {

struct KernelSet {
  std::string_view name;  ///< "generic", "avx2", "avx512", "avx512fma", "neon"
  const ElementwiseKernels* elementwise = nullptr;
  const AttentionKernels* attention = nullptr;
  const LinearKernels* linear = nullptr;
  const Probes* probes = nullptr;
  const HadamardKernels* hadamard = nullptr;
  const MassKernels* mass = nullptr;
};

/// Every set that was built and that this processor can run, slowest first.
std::span<const KernelSet> usable_kernel_sets();
/// The set of that name. Errors: kInvalidArgument when there is none, kUnsupported when the
/// processor lacks it.
const KernelSet& kernel_set(std::string_view name);
/// The set that this process uses.
const KernelSet& kernels();

}  // namespace nibble::kernels
