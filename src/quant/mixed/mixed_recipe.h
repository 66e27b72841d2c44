/// A recipe in which each part of a model has the bits that fit a budget with the least loss.
///
/// The budget is stored bits per weight over the parts, scales and zeros included, so that
/// `mixed_recipe(…, 4.25)` takes as many bytes as a uniform recipe of 4.25 bits. Losses of single
/// parts are added up: what two of them do together is not seen.
///
/// Errors     kUnsupported where the budget is below the fewest bits
/// Source     our own
#pragma once

#include "quant/mixed/sensitivity.h"

namespace nibble::quant {

struct MixedRecipe {
  Recipe recipe;
  std::string text;       ///< TOML, to be kept as a file
  Allocation allocation;  ///< choices parallel to the parts
  double bits_per_weight = 0;
  /// The sum of losses where all parts have one codec, parallel to the codecs; and its bits.
  std::vector<double> uniform_losses, uniform_bits;
};

Result<MixedRecipe> mixed_recipe(const Recipe& base,
                                 const Sensitivity& sensitivity,
                                 double bits_per_weight);

/// For people: how many parts have which codec, and the predicted losses beside uniform ones.
std::string mixed_text(const MixedRecipe& mixed, const Sensitivity& sensitivity);

}  // namespace nibble::quant
