#include "model/weights/weight_loader.h"

#include <fmt/format.h>

#include "model/weights.h"

namespace nibble::model {

codec::EncodedMatrix WeightLoader::matrix(const std::string& name,
                                          std::size_t rows,
                                          std::size_t cols) const {
  auto loaded = load_weight(checkpoint_, config_, name);
  if (!loaded) {
    throw Error(loaded.failure().within(checkpoint_.path().string()));
  }
  if (loaded->rows != rows || loaded->cols != cols) {
    raise(ErrorCode::kShapeMismatch,
          "{}: {}: the configuration wants [{}, {}], the file has [{}, {}]",
          checkpoint_.path().string(),
          name,
          rows,
          cols,
          loaded->rows,
          loaded->cols);
  }
  return std::move(*loaded);
}

ops::Linear WeightLoader::linear(const std::string& stem,
                                 std::size_t rows,
                                 std::size_t cols,
                                 bool has_bias) const {
  const codec::EncodedMatrix weight = matrix(stem + ".weight", rows, cols);
  std::vector<float> bias;
  if (has_bias) {
    bias = vector(stem + ".bias", rows);
  }
  ops::Linear layer = ops::Linear::make(weight, std::move(bias), arithmetic_, pool_);
  checkpoint_.release_pages();  // so that no weight is in memory twice
  return layer;
}

std::vector<float> WeightLoader::norm(std::size_t layer, std::string_view stem) const {
  return vector(fmt::format("model.layers.{}.{}.weight", layer, stem), config_.hidden);
}

std::vector<float> WeightLoader::vector(const std::string& name, std::size_t size) const {
  return codec::decode_all(matrix(name, 1, size));
}

}  // namespace nibble::model
