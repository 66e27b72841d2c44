/// A BERT encoder: token ids of any number of texts, packed one behind the other without padding,
/// to one state a token.
///
///   x = norm(word[id] + position[p] + type[0])
///   each layer:  x = norm(x + W_o attention(x));  x = norm(x + W_2 gelu(W_1 x))
///
/// Shapes     ids [rows]; states [rows, hidden]
/// Precision  that of ops::Linear in the arithmetic of the options; norms, GELU and attention in
///            float32
/// Threads    one call at a time; splits work over the pool
/// Errors     kInvalidArgument for ids outside the vocabulary and texts longer than the positions;
///            kNotFound and kShapeMismatch name the weight; kUnsupported for a codec that "nearest"
///            cannot fill
/// Source     Devlin et al. 2018, arXiv 1810.04805
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/arithmetic.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "codec/codec.h"
#include "io/checkpoint.h"
#include "ops/encoder_attention.h"
#include "ops/linear.h"
#include "rag/encoder/config.h"
#include "tensor/matrix_view.h"

namespace nibble::rag {

struct BertOptions {
  Arithmetic arithmetic = Arithmetic::kF32;
  /// Linear layers and word embeddings are rounded to the nearest codes of this codec ("int8g32s",
  /// "int4g32a", "nf4b64"); "": as the file stores them.
  std::string codec = {};
};

class Bert {
 public:
  /// `pool` must outlive the model.
  Bert(const io::Checkpoint& checkpoint,
       const EncoderConfig& config,
       const BertOptions& options,
       ThreadPool& pool,
       ProgressSink& progress);

  /// The states of `ids`, texts of `lengths` tokens each. Valid until the next call.
  MatrixView<const float> encode(std::span<const std::int32_t> ids,
                                 std::span<const std::size_t> lengths);

  /// Bytes that the weights hold in memory, word embeddings included.
  [[nodiscard]] std::size_t n_bytes() const noexcept;
  /// The kernel of the first linear layer, e.g. "int4_i8_avx512vnni".
  [[nodiscard]] std::string kernel() const { return layers_.front().q.kernel(); }

 private:
  struct Norm {
    std::vector<float> weight, bias;
  };
  struct Layer {
    ops::Linear q, k, v, o, up, down;
    Norm attention_norm, output_norm;
  };
  class Loader;

  void embed(std::span<const std::int32_t> ids,
             std::span<const std::size_t> lengths,
             MatrixView<float> x) const;
  void attend(const Layer& layer, std::span<const std::size_t> lengths, MatrixView<float> x);
  void feed_forward(const Layer& layer, MatrixView<float> x);
  void norm(const Norm& norm, MatrixView<float> x);
  MatrixView<float> scratch(std::size_t slot, std::size_t rows, std::size_t cols);

  EncoderConfig config_;
  ThreadPool& pool_;
  ops::EncoderAttention attention_;
  codec::EncodedMatrix words_;
  std::vector<float> positions_;  ///< [n_positions, hidden], the first token type added
  Norm embedding_norm_;
  std::vector<Layer> layers_;
  std::vector<std::vector<float>> buffers_;
};

}  // namespace nibble::rag
