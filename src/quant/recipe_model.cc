#include "quant/recipe_model.h"

namespace nibble::quant {

RecipeModel::RecipeModel(const Recipe& recipe, const io::Checkpoint& source, ThreadPool* pool)
    : checkpoint_(&source), config_(model::read_config(source).take()) {
  for (const TransformStage& stage : recipe.transforms) {
    if (auto view = stage.transform->rewrite(*checkpoint_, config_, pool)) {
      checkpoint_ = views_.emplace_back(std::move(view)).get();
      config_ = model::read_config(*checkpoint_).take();
    }
  }
  if (recipe.activations.is_on()) {
    config_.runtime.activations = recipe.activations;
  }
}

}  // namespace nibble::quant
