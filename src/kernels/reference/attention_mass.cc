#include "kernels/reference/attention_mass.h"

#include <algorithm>
#include <numeric>

#include "kernels/reference/attention.h"
#include "kernels/reference/attention_coded.h"

namespace nibble::kernels::reference {

void share_weights(std::span<const double> weights,
                   std::size_t first,
                   std::span<const KeySpan> spans,
                   float* masses) noexcept {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t s = 0; s < spans.size(); ++s) {
    double sum = 0.0;
    const std::size_t end = std::min(spans[s].end, first + weights.size());
    for (std::size_t j = std::max(spans[s].begin, first); j < end; ++j) {
      sum += weights[j - first];
    }
    masses[s] = static_cast<float>(sum / total);
  }
}

const MassKernels kMass = {.f32 = sum_masses_f32, .f16 = sum_masses_f16, .coded = sum_masses_coded};

}  // namespace nibble::kernels::reference
