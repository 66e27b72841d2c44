/// What all decoder families share: token embedding, the loop over layers, the final norm and the
/// output head.
///
/// A family derives from it and says what one layer does with the stream.
///
/// Precision  the embedding is decoded exactly; everything else is that of the ops
/// Threads    one call at a time
/// Errors     those of LanguageModel; after an error the cache is as long as before the call
/// Source     our own
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "model/language_model.h"
#include "model/layers/stream.h"
#include "model/layers/workspace.h"
#include "model/output_head.h"
#include "model/weights/weight_loader.h"

namespace nibble::model {

class Decoder : public LanguageModel {
 public:
  [[nodiscard]] const ModelConfig& config() const noexcept final { return config_; }
  [[nodiscard]] Arithmetic arithmetic() const noexcept final { return arithmetic_; }
  [[nodiscard]] ThreadPool& pool() const noexcept final { return pool_; }
  [[nodiscard]] std::size_t weight_bytes() const noexcept final;

  void forward(std::span<const SequenceChunk> chunks,
               KvCache& cache,
               std::span<const std::uint32_t> wanted,
               MatrixView<float> hidden) final;
  void head(MatrixView<const float> hidden, MatrixView<float> logits) final;
  void score(MatrixView<const float> hidden,
             std::span<const ops::RowTarget> targets,
             std::span<ops::TokenScore> scores) final;

 protected:
  Decoder(const ModelConfig& config, const WeightLoader& weights);

  /// Adds what the layer adds to stream.hidden().
  virtual void run_layer(std::size_t layer, Stream& stream) = 0;
  /// Bytes of the layers' packed weights.
  [[nodiscard]] virtual std::size_t layer_bytes() const noexcept = 0;

 private:
  void embed(std::span<const SequenceChunk> chunks, MatrixView<float> hidden);

  ModelConfig config_;
  Arithmetic arithmetic_;
  ThreadPool& pool_;
  codec::EncodedMatrix embedding_;  ///< as the file stores it: a lookup touches few rows
  std::vector<float> final_norm_;
  OutputHead head_;
  Workspace workspace_;
};

}  // namespace nibble::model
