#include "model/weights/weight_loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/row_range.h"
#include "model/weights.h"
#include "model/weights/packed_weights.h"

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
  std::vector<float> bias;
  if (has_bias) {
    bias = vector(stem + ".bias", rows);
  }
  if (packed_ != nullptr && packed_->found()) {
    return packed_->read(stem, rows, cols, std::move(bias));
  }
  const codec::EncodedMatrix weight = matrix(stem + ".weight", rows, cols);
  ops::Linear layer = ops::Linear::make(weight, std::move(bias), arithmetic_, pool_);
  if (packed_ != nullptr) {
    packed_->add(stem, layer);
  }
  checkpoint_.release_pages();  // so that no weight is in memory twice
  return layer;
}

std::vector<ops::Linear> WeightLoader::slices(const std::string& stem,
                                              std::size_t rows,
                                              std::size_t cols,
                                              std::size_t slice) const {
  const codec::EncodedMatrix whole = matrix(stem + ".weight", rows, cols);
  std::vector<ops::Linear> out;
  for (std::size_t first = 0; first < rows; first += slice) {
    const std::size_t n = std::min(slice, rows - first);
    const std::string name = fmt::format("{} from row {}", stem, first);
    if (packed_ != nullptr && packed_->found()) {
      out.push_back(packed_->read(name, n, cols, {}));
      continue;
    }
    out.push_back(ops::Linear::make(codec::row_range(whole, first, n), {}, arithmetic_, pool_));
    if (packed_ != nullptr) {
      packed_->add(name, out.back());
    }
  }
  return out;
}

std::vector<float> WeightLoader::norm(std::size_t layer, std::string_view stem) const {
  return vector(fmt::format("model.layers.{}.{}.weight", layer, stem), config_.hidden);
}

std::vector<float> WeightLoader::vector(const std::string& name, std::size_t size) const {
  return codec::decode_all(matrix(name, 1, size));
}

}  // namespace nibble::model
