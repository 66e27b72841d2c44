/// The model that a recipe quantizes: the source as the recipe's rewrites of whole models leave it,
/// and its configuration with what the recipe has done while the model runs.
///
/// Errors     throws what reading the configuration and the rewrites report
/// Source     our own
#pragma once

#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "quant/recipe.h"

namespace nibble::quant {

class RecipeModel {
 public:
  /// Borrows all of them. Without a pool only names and shapes of weights are right.
  RecipeModel(const Recipe& recipe, const io::Checkpoint& source, ThreadPool* pool);

  [[nodiscard]] const io::Checkpoint& checkpoint() const noexcept { return *checkpoint_; }
  [[nodiscard]] const model::ModelConfig& config() const noexcept { return config_; }

 private:
  const io::Checkpoint* checkpoint_;
  std::vector<std::unique_ptr<io::Checkpoint>> views_;  ///< each borrows the one before
  model::ModelConfig config_;
};

}  // namespace nibble::quant
