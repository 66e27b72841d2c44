/// The order in which GPTQ quantizes the inputs of a matrix, and the group of each place.
///
///   natural     as they are
///   activation  by energy, largest first ("act order")
///   grouped     inputs by energy within each group, then whole groups by their largest, a shorter
///               last group last ("act-group aware")
///
/// Groups are neighbours in the natural order, or (`by_place`) neighbours in the new one. Inputs of
/// equal energy keep their order.
///
/// Shapes     energy [cols]: H[k, k]
/// Source     the orders are those of GPTQModel 7.7
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nibble::quant {

enum class InputOrder : std::uint8_t { kNatural, kActivation, kGrouped };

struct Places {
  std::vector<std::uint32_t> input;  ///< at each place
  std::vector<std::uint32_t> group;  ///< of each place
};

Places make_places(std::span<const double> energy,
                   std::size_t group,
                   InputOrder order,
                   bool by_place);

}  // namespace nibble::quant
