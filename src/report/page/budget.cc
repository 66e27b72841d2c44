#include "report/page/budget.h"

#include <algorithm>
#include <numeric>

namespace nibble::report {

std::vector<std::size_t> fair_shares(std::span<const std::size_t> wanted, std::size_t budget) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return wanted[i]; });
  std::vector<std::size_t> shares(wanted.size());
  std::size_t n_left = wanted.size();
  for (const std::size_t i : order) {
    shares[i] = std::min(wanted[i], budget / n_left);
    budget -= shares[i];
    --n_left;
  }
  return shares;
}

}  // namespace nibble::report
