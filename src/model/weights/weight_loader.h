/// The weights of one checkpoint as an architecture wants them: linear layers ready to run, norms
/// as float vectors.
///
/// Threads    not reentrant
/// Errors     throws what `load_weight` reports; kShapeMismatch names the weight and both shapes
/// Source     our own
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/arithmetic.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "ops/linear.h"

namespace nibble::model {

class PackedWeights;

class WeightLoader {
 public:
  /// All references must outlive the loader; `pool` also the layers that it makes. With `packed`,
  /// linear layers are read from there, or added.
  WeightLoader(const io::Checkpoint& checkpoint,
               const ModelConfig& config,
               Arithmetic arithmetic,
               ThreadPool& pool,
               ProgressSink& progress,
               PackedWeights* packed = nullptr)
      : checkpoint_(checkpoint),
        config_(config),
        arithmetic_(arithmetic),
        pool_(pool),
        progress_(progress),
        packed_(packed) {}

  /// The matrix "<stem>.weight" [rows, cols], with "<stem>.bias" [rows] when `has_bias`.
  [[nodiscard]] ops::Linear linear(const std::string& stem,
                                   std::size_t rows,
                                   std::size_t cols,
                                   bool has_bias = false) const;
  /// The matrix "<stem>.weight" [rows, cols] as layers of `slice` rows each, the last one of fewer.
  [[nodiscard]] std::vector<ops::Linear> slices(const std::string& stem,
                                                std::size_t rows,
                                                std::size_t cols,
                                                std::size_t slice) const;
  /// The matrix "<name>" as the file stores it.
  [[nodiscard]] codec::EncodedMatrix matrix(const std::string& name,
                                            std::size_t rows,
                                            std::size_t cols) const;
  /// The norm of a layer over the residual width: "input_layernorm".
  [[nodiscard]] std::vector<float> norm(std::size_t layer, std::string_view stem) const;
  /// The values of "<name>" [size].
  [[nodiscard]] std::vector<float> vector(const std::string& name, std::size_t size) const;

  [[nodiscard]] Arithmetic arithmetic() const noexcept { return arithmetic_; }
  [[nodiscard]] ThreadPool& pool() const noexcept { return pool_; }
  [[nodiscard]] ProgressSink& progress() const noexcept { return progress_; }

 private:
  const io::Checkpoint& checkpoint_;
  const ModelConfig& config_;
  Arithmetic arithmetic_;
  ThreadPool& pool_;
  ProgressSink& progress_;
  PackedWeights* packed_;
};

}  // namespace nibble::model
