#include "quant/mixed/mixed_recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nibble::quant {
namespace {

double bits_of(std::size_t bytes, std::size_t n_weights) {
  return 8 * static_cast<double>(bytes) / static_cast<double>(n_weights);
}

/// The base's stages with a rule for each part behind those of the scheme that has the default:
/// what the base says of single weights still holds.
std::string with_rules(const Recipe& base, const std::string& rules) {
  const std::size_t fallback = base.text.find("default = ");
  const std::size_t end = base.text.find(" }\n", fallback);
  NIBBLE_CHECK(fallback != std::string::npos && end != std::string::npos,
               "a recipe's text without a default");
  std::string out = base.text;
  out.insert(end, rules);
  return out;
}

std::string rules_of(const Sensitivity& sensitivity, const Allocation& allocation) {
  std::string rules;
  for (std::size_t u = 0; u < sensitivity.parts.size(); ++u) {
    rules += fmt::format(", {} = {}",
                         toml_text(sensitivity.parts[u].pattern),
                         toml_text(sensitivity.codecs[allocation.choices[u]]));
  }
  return rules;
}

}  // namespace

Result<MixedRecipe> mixed_recipe(const Recipe& base,
                                 const Sensitivity& sensitivity,
                                 double bits_per_weight) {
  std::vector<std::vector<PartOption>> parts;
  for (const Part& part : sensitivity.parts) {
    parts.push_back(part.options);
  }
  const std::size_t n_weights = sensitivity.n_weights();
  const auto budget = static_cast<std::size_t>(
      std::floor(bits_per_weight * static_cast<double>(n_weights) / 8 + 0.5));
  auto allocation = allocate(parts, budget);
  if (!allocation) {
    return fail(allocation.failure().code,
                "{} bits per weight: {}",
                bits_per_weight,
                allocation.failure().message);
  }
  MixedRecipe out;
  out.allocation = std::move(*allocation);
  out.bits_per_weight = bits_of(out.allocation.bytes, n_weights);
  for (std::size_t c = 0; c < sensitivity.codecs.size(); ++c) {
    double loss = 0;
    std::size_t bytes = 0;
    for (const Part& part : sensitivity.parts) {
      loss += part.options[c].loss;
      bytes += part.options[c].bytes;
    }
    out.uniform_losses.push_back(loss);
    out.uniform_bits.push_back(bits_of(bytes, n_weights));
  }
  out.text = fmt::format(
      "name = {}\nsummary = \"bits of each part by measured sensitivity, {:.3f} bits per weight "
      "over them\"\n{}",
      toml_text(fmt::format("{}-mixed-{:g}", base.name, bits_per_weight)),
      out.bits_per_weight,
      with_rules(base, rules_of(sensitivity, out.allocation)));
  auto recipe = parse_recipe(out.text, "mixed recipe");
  if (!recipe) {
    return recipe.failure();
  }
  out.recipe = std::move(*recipe);
  return out;
}

std::string mixed_text(const MixedRecipe& mixed, const Sensitivity& sensitivity) {
  std::string out = fmt::format("codes of single parts by {}\n\n{:<16} {:>6} {:>12} {:>14}\n",
                                sensitivity.method,
                                "codec",
                                "parts",
                                "uniform b/w",
                                "sum of losses");
  for (std::size_t c = 0; c < sensitivity.codecs.size(); ++c) {
    out += fmt::format("{:<16} {:>6} {:>12.3f} {:>14.6f}\n",
                       sensitivity.codecs[c],
                       std::ranges::count(mixed.allocation.choices, c),
                       mixed.uniform_bits[c],
                       mixed.uniform_losses[c]);
  }
  return out + fmt::format("{:<16} {:>6} {:>12.3f} {:>14.6f}{}\n",
                           "mixed",
                           sensitivity.parts.size(),
                           mixed.bits_per_weight,
                           mixed.allocation.loss,
                           mixed.allocation.is_exact ? "" : " (thinned: not exact)");
}

}  // namespace nibble::quant
