/// One decoder block on a device as the device runs it: binary16 weights that methods replace one
/// by one, and transforms rewrite.
///
/// Layout     qkv [q, k and v rows][hidden]; gate_up rows in turns of 8; o and down as they are
/// Precision  weights are rounded to binary16, norms and biases float32
/// Errors     those of loading weights and of Device
/// Source     model/device/weights.h
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "model/weights.h"
#include "quant/device/matrix.h"

namespace nibble::quant {

class DeviceBlock {
 public:
  /// What kernels read.
  struct Weights {
    ops::DeviceBuffer qkv, o, gate_up, down;
    ops::DeviceBuffer attention_norm, mlp_norm, inverse_frequency;
    ops::DeviceBuffer qkv_bias, q_norm, k_norm;  ///< empty where the architecture has none
  };

  /// Where the rows of a linear weight lie among those of its product.
  struct PlaceOfRows {
    const ops::DeviceBuffer* product = nullptr;  ///< one of `weights`
    std::size_t first = 0;
    std::size_t turn = 0;  ///< narrow_rows of kernels/cuda/quantize.h
  };

  /// Everything borrowed must outlive it. Linear weights that are not finite are refused.
  DeviceBlock(const io::Checkpoint& checkpoint,
              const model::ModelConfig& config,
              std::size_t layer,
              ops::Device& device,
              ThreadPool& pool);

  /// Of a model with this layer alone.
  [[nodiscard]] const model::ModelConfig& config() const noexcept { return config_; }
  [[nodiscard]] const Weights& weights() const noexcept { return weights_; }
  /// A weight, norm or bias in float32, by its name within the block ("mlp.up_proj.weight"): the
  /// checkpoint's, or what a transform made of it. Norms and biases have one row.
  [[nodiscard]] DeviceMatrix weight(std::string_view name) const;
  [[nodiscard]] PlaceOfRows place_of(std::string_view name) const;
  /// What the block runs with.
  void set_weight(std::string_view name, const DeviceMatrix& values);
  /// The same, and what `weight` gives from now on.
  void rewrite(std::string_view name, DeviceMatrix values);
  [[nodiscard]] const std::map<std::string, DeviceMatrix, std::less<>>& rewritten() const noexcept {
    return rewritten_;
  }

 private:
  [[nodiscard]] DeviceMatrix original(std::string_view name) const;
  [[nodiscard]] std::vector<float> vector(std::string_view name) const;
  [[nodiscard]] ops::DeviceBuffer upload_vector(std::string_view name) const;
  void load_linears();

  const io::Checkpoint& checkpoint_;
  const model::ModelConfig& whole_;
  model::ModelConfig config_;
  std::size_t layer_;
  ops::Device& device_;
  ThreadPool& pool_;
  Weights weights_;
  std::map<std::string, DeviceMatrix, std::less<>> rewritten_;
};

}  // namespace nibble::quant
