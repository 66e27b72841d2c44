#include "kernels/select.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/avx2/attention.h"
#include "kernels/avx2/attention_mass.h"
#include "kernels/avx2/elementwise.h"
#include "kernels/avx2/hadamard.h"
#include "kernels/avx2/linear.h"
#include "kernels/avx2/probes.h"
#include "kernels/avx512/attention.h"
#include "kernels/avx512/attention_mass.h"
#include "kernels/avx512/elementwise.h"
#include "kernels/avx512/hadamard.h"
#include "kernels/avx512/linear.h"
#include "kernels/avx512/probes.h"
#include "kernels/generic/linear.h"
#include "kernels/generic/probes.h"
#include "kernels/neon/attention.h"
#include "kernels/neon/attention_mass.h"
#include "kernels/neon/elementwise.h"
#include "kernels/neon/hadamard.h"
#include "kernels/neon/linear.h"
#include "kernels/neon/probes.h"
#include "kernels/reference/attention.h"
#include "kernels/reference/attention_mass.h"
#include "kernels/reference/elementwise.h"
#include "kernels/reference/hadamard.h"

namespace nibble::kernels {
namespace {

#if defined(__x86_64__)
bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

bool has_avx512() noexcept {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
}
/// Intel's cores do half as many products with vdpbf16ps as with FMA (measured on family 6 model
/// 207), AMD's twice as many (Zen 4).
bool has_slow_bfloat_dots() noexcept {
  return __builtin_cpu_is("intel") != 0;
}
#elif defined(__aarch64__)
bool has_dot_products() noexcept {
  return (::getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}
#endif

struct Candidate {
  KernelSet set;
  bool (*runs_here)() noexcept;
};

#if defined(__x86_64__)
/// With products in bfloat16, or with bfloat16 weights widened for FMA.
Candidate avx512_set(bool has_bfloat_dots) {
  return {{has_bfloat_dots ? "avx512" : "avx512fma",
           &avx512::kElementwise,
           &avx512::kAttention,
           has_bfloat_dots ? &avx512::kLinear : &avx512::kLinearFma,
           &avx512::kProbes,
           &avx512::kHadamard,
           &avx512::kMass},
          has_avx512};
}
#endif

const std::vector<Candidate>& candidates() {
  static const std::vector<Candidate> all = {
    {{"generic",
      &reference::kElementwise,
      &reference::kAttention,
      &generic::kLinear,
      &generic::kProbes,
      &reference::kHadamard,
      &reference::kMass},
     []() noexcept { return true; }},
#if defined(__x86_64__)
    {{"avx2",
      &avx2::kElementwise,
      &avx2::kAttention,
      &avx2::kLinear,
      &avx2::kProbes,
      &avx2::kHadamard,
      &avx2::kMass},
     has_avx2},
    avx512_set(has_slow_bfloat_dots()),
    avx512_set(!has_slow_bfloat_dots()),
#elif defined(__aarch64__)
    {{"neon",
      &neon::kElementwise,
      &neon::kAttention,
      &neon::kLinear,
      &neon::kProbes,
      &neon::kHadamard,
      &neon::kMass},
     has_dot_products},
#endif
  };
  return all;
}

/// "generic, avx2 or avx512"
std::string known_names() {
  std::string names;
  for (const Candidate& candidate : candidates()) {
    const bool is_last = &candidate == &candidates().back();
    names += names.empty() ? "" : is_last ? " or " : ", ";
    names += candidate.set.name;
  }
  return names;
}

const KernelSet& choose() {
  const char* forced = std::getenv("NIBBLE_ISA");
  return forced != nullptr && *forced != '\0' ? kernel_set(forced) : usable_kernel_sets().back();
}

}  // namespace

std::span<const KernelSet> usable_kernel_sets() {
  static const std::vector<KernelSet> usable = [] {
    std::vector<KernelSet> out;
    for (const Candidate& candidate : candidates()) {
      if (candidate.runs_here()) {
        out.push_back(candidate.set);
      }
    }
    return out;
  }();
  return usable;
}

const KernelSet& kernel_set(std::string_view name) {
  for (const KernelSet& set : usable_kernel_sets()) {
    if (set.name == name) {
      return set;
    }
  }
  for (const Candidate& candidate : candidates()) {
    if (candidate.set.name == name) {
      raise(ErrorCode::kUnsupported, "NIBBLE_ISA={}: this processor lacks its instructions", name);
    }
  }
  raise(ErrorCode::kInvalidArgument, "NIBBLE_ISA={}: expected {}", name, known_names());
}

const KernelSet& kernels() {
  static const KernelSet& chosen = choose();
  return chosen;
}

}  // namespace nibble::kernels
