#include "quant/solve/input_order.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace nibble::quant {
namespace {

void sort_by_energy(std::span<std::uint32_t> inputs, std::span<const double> energy) {
  std::ranges::stable_sort(inputs, std::greater{}, [&](std::uint32_t k) { return energy[k]; });
}

std::vector<std::uint32_t> natural_order(std::size_t n) {
  std::vector<std::uint32_t> out(n);
  std::iota(out.begin(), out.end(), 0U);
  return out;
}

/// Sorts within groups, then the groups that are whole.
std::vector<std::uint32_t> grouped_order(std::span<const double> energy, std::size_t group) {
  std::vector<std::uint32_t> inputs = natural_order(energy.size());
  const std::size_t n_whole = inputs.size() / group;
  for (std::size_t begin = 0; begin < n_whole * group; begin += group) {
    sort_by_energy(std::span(inputs).subspan(begin, group), energy);
  }
  std::vector<std::uint32_t> first(n_whole);
  for (std::size_t g = 0; g < n_whole; ++g) {
    first[g] = inputs[g * group];
  }
  sort_by_energy(first, energy);
  std::vector<std::uint32_t> out;
  for (const std::uint32_t k : first) {
    const auto begin = inputs.begin() + static_cast<std::ptrdiff_t>(k / group * group);
    out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(group));
  }
  out.insert(out.end(), inputs.begin() + static_cast<std::ptrdiff_t>(out.size()), inputs.end());
  return out;
}

}  // namespace

Places make_places(std::span<const double> energy,
                   std::size_t group,
                   InputOrder order,
                   bool by_place) {
  Places out;
  out.input =
      order == InputOrder::kGrouped ? grouped_order(energy, group) : natural_order(energy.size());
  if (order == InputOrder::kActivation) {
    sort_by_energy(out.input, energy);
  }
  out.group.resize(energy.size());
  for (std::uint32_t p = 0; p < energy.size(); ++p) {
    out.group[p] = static_cast<std::uint32_t>((by_place ? p : out.input[p]) / group);
  }
  return out;
}

}  // namespace nibble::quant
