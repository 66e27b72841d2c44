/// `nibble quantize --auto-bits`: measures how far the distributions of the next token move when
/// single parts of a model are quantized, and gives each part its bits under a budget.
///
/// Errors     those of quant/mixed, of calibration text and of models; kMismatch for a file of
///            sensitivities that were measured on something else
/// Source     our own; docs/methods.md
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/command.h"
#include "quant/mixed/mixed_recipe.h"

namespace CLI {
class App;
}

namespace nibble::app {

struct AutoBitsOptions {
  double bits_per_weight = 0;       ///< 0: not asked for
  std::vector<std::string> codecs;  ///< empty: the recipe's own with other bits
  bool by_matrix = false;
  std::string text = "wikitext2";  ///< source of calibration text
  std::size_t n_windows = 2;       ///< of 512 tokens; the second half of each is judged
  std::string sensitivity;         ///< file; "": measured anew and not kept
  std::string recipe_out;          ///< file; "": not kept

  [[nodiscard]] bool is_on() const noexcept { return bits_per_weight > 0; }
};

void add_auto_bits_options(CLI::App& command, AutoBitsOptions& options);

/// The mixed recipe; what it does is printed unless JSON is asked for.
quant::Recipe choose_bits(const quant::Recipe& base,
                          const io::Checkpoint& checkpoint,
                          const AutoBitsOptions& options,
                          const std::filesystem::path& data,
                          const Globals& globals);

}  // namespace nibble::app
