/// Texts to vectors: tokens, BERT, pooling, length 1.
///
/// Texts are sorted by length and packed into batches without padding; the vectors come back in the
/// order of the texts. A text longer than the encoder takes is cut as sentence-transformers cuts it
/// (its first tokens, then [SEP]) and counted.
///
/// Shapes     vectors [n_texts, dims], row-major
/// Precision  kF32 arithmetic and no codec: within 1e-5 of Transformers in float32
/// Threads    one call at a time; splits work over the pool
/// Errors     kInvalidArgument for text that is not UTF-8, with its number; those of
///            open_checkpoint, open_tokenizer, config.h and bert.h
/// Source     Reimers and Gurevych 2019, arXiv 1908.10084
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "rag/encoder/bert.h"
#include "rag/encoder/config.h"
#include "text/tokenizer.h"

namespace nibble::rag {

/// Some encoders put another prefix in front of questions than of passages.
enum class TextKind : std::uint8_t { kQuery, kPassage };

struct EmbedCounts {
  std::size_t n_tokens = 0;  ///< that went through the encoder
  std::size_t n_cut = 0;     ///< texts that were too long
};

class Encoder {
 public:
  /// `pool` must outlive the encoder.
  static Result<std::unique_ptr<Encoder>> open(const std::filesystem::path& folder,
                                               const BertOptions& options,
                                               ThreadPool& pool,
                                               ProgressSink& progress);
  /// The hash that such an encoder has, without loading its weights.
  static Result<std::string> hash_of(const std::filesystem::path& folder,
                                     const BertOptions& options);

  /// The vectors of `texts`; `progress` advances by one a text where it is given.
  std::vector<float> embed(std::span<const std::string> texts,
                           TextKind kind,
                           ProgressSink* progress = nullptr);

  [[nodiscard]] const EncoderConfig& config() const noexcept { return config_; }
  [[nodiscard]] std::size_t dims() const noexcept { return config_.hidden; }
  [[nodiscard]] const text::Tokenizer& tokenizer() const noexcept { return *tokenizer_; }
  [[nodiscard]] const Bert& bert() const noexcept { return *bert_; }
  /// Over all calls.
  [[nodiscard]] const EmbedCounts& counts() const noexcept { return counts_; }
  /// Of everything that a vector depends on beside the text: weights, tokenizer, pooling, codec,
  /// arithmetic. Vectors of encoders that differ here are never compared.
  [[nodiscard]] const std::string& hash() const noexcept { return hash_; }

 private:
  Encoder(EncoderConfig config,
          std::unique_ptr<text::Tokenizer> tokenizer,
          std::unique_ptr<Bert> bert,
          ThreadPool& pool);

  using Ids = std::vector<text::TokenId>;
  std::vector<Ids> tokenize(std::span<const std::string> texts, TextKind kind);
  void pool_states(MatrixView<const float> states, float* out) const;

  EncoderConfig config_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::unique_ptr<Bert> bert_;
  ThreadPool& pool_;
  EmbedCounts counts_;
  std::string hash_;
};

}  // namespace nibble::rag
