#include "quant/mixed/allocate.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace nibble::quant {
namespace {

/// A way to choose for the first parts; `from` is the sum before the last of them.
struct Sum {
  std::size_t bytes = 0;
  double loss = 0;
  std::uint32_t from = 0;
  std::uint32_t choice = 0;
};

std::size_t least_bytes(const std::vector<PartOption>& part) {
  return std::ranges::min_element(part, {}, &PartOption::bytes)->bytes;
}

/// Those that no other beats in both, by ascending bytes.
std::vector<Sum> front_of(std::vector<Sum> sums) {
  std::ranges::sort(sums, [](const Sum& a, const Sum& b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.loss < b.loss;
  });
  double least = std::numeric_limits<double>::infinity();
  std::erase_if(sums, [&least](const Sum& sum) {
    const bool is_beaten = !(sum.loss < least);
    least = std::min(least, sum.loss);
    return is_beaten;
  });
  return sums;
}

/// The last, and so the best, of each step of bytes.
std::vector<Sum> thinned(const std::vector<Sum>& sums, std::size_t most) {
  const std::size_t first = sums.front().bytes;
  const std::size_t step = (sums.back().bytes - first) / most + 1;
  std::vector<Sum> out;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const bool is_last = i + 1 == sums.size() ||
                         (sums[i + 1].bytes - first) / step != (sums[i].bytes - first) / step;
    if (is_last) {
      out.push_back(sums[i]);
    }
  }
  return out;
}

}  // namespace

Result<Allocation> allocate(std::span<const std::vector<PartOption>> parts,
                            std::size_t budget_bytes,
                            std::size_t most_sums) {
  std::size_t rest = 0;  // what the parts to come take at least
  for (const auto& part : parts) {
    rest += least_bytes(part);
  }
  if (rest > budget_bytes) {
    return fail(ErrorCode::kUnsupported,
                "a budget of {} bytes is below the least, {} bytes",
                budget_bytes,
                rest);
  }
  Allocation out;
  std::vector<std::vector<Sum>> fronts{{Sum{}}};
  for (const auto& part : parts) {
    rest -= least_bytes(part);
    std::vector<Sum> next;
    const std::vector<Sum>& before = fronts.back();
    for (std::uint32_t i = 0; i < before.size(); ++i) {
      for (std::uint32_t c = 0; c < part.size(); ++c) {
        const std::size_t bytes = before[i].bytes + part[c].bytes;
        if (bytes + rest <= budget_bytes) {
          next.push_back({bytes, before[i].loss + part[c].loss, i, c});
        }
      }
    }
    next = front_of(std::move(next));
    if (next.size() > most_sums) {
      next = thinned(next, most_sums);
      out.is_exact = false;
    }
    fronts.push_back(std::move(next));
  }
  const Sum* sum = &fronts.back().back();  // the most bytes, so the least loss
  out.bytes = sum->bytes;
  out.loss = sum->loss;
  out.choices.resize(parts.size());
  for (std::size_t u = parts.size(); u > 0; --u) {
    out.choices[u - 1] = sum->choice;
    sum = &fronts[u - 1][sum->from];
  }
  return out;
}

}  // namespace nibble::quant
