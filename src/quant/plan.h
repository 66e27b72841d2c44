/// What a recipe will do to a model, weight by weight, before anything runs.
///
/// Units      bytes of stored parts, without container headers; bits per weight include scales and
///            zeros
/// Errors     whatever reading the configuration and the weights' types reports
/// Source     our own
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "io/checkpoint.h"
#include "model/weights.h"
#include "quant/recipe.h"

namespace nibble::quant {

struct PlanRow {
  std::string weight;  ///< canonical name
  model::WeightRole role = model::WeightRole::kLinear;
  int layer = -1;  ///< -1 outside the decoder blocks
  std::size_t rows = 0, cols = 0;
  std::string source_codec;
  std::string target_codec;                   ///< equal to source_codec where kept
  std::shared_ptr<const codec::Codec> codec;  ///< none where kept
  const SolveStage* stage = nullptr;          ///< of the plan's recipe; none where kept
  double bits_per_weight = 0;                 ///< as stored afterwards
  std::size_t bytes_before = 0, bytes_after = 0;

  [[nodiscard]] bool is_kept() const noexcept { return codec == nullptr; }
};

struct Plan {
  std::shared_ptr<const Recipe> recipe;
  std::vector<PlanRow> rows;
  std::vector<std::string> notes;  ///< patterns that match nothing, weights quantized a second time
  std::size_t n_parameters = 0;
  std::size_t n_quantized = 0;  ///< parameters that get a new codec
  std::size_t bytes_before = 0, bytes_after = 0;
  double bits_per_weight = 0;  ///< over all parameters, afterwards
  double quantized_bits_per_weight =
      0;  ///< over the parameters that get a new codec; 0 when none does
};

Result<Plan> make_plan(const Recipe& recipe, const io::Checkpoint& checkpoint);

/// A table for people: equal rows of a decoder's layers are one line.
std::string plan_text(const Plan& plan);
Json plan_json(const Plan& plan);

}  // namespace nibble::quant
