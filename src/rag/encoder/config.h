/// What a sentence encoder is: the shape of its BERT, and how the states of its tokens become one
/// vector.
///
/// Read from a folder as sentence-transformers writes it: config.json; sentence_bert_config.json
/// (max_seq_length); modules.json, which names the folder of the pooling and says whether vectors
/// are normalised; config_sentence_transformers.json (prompts). Without modules.json: the mean of
/// all tokens, normalised, as sentence-transformers takes a plain BERT.
///
/// Units      max_tokens counts [CLS] and [SEP]
/// Errors     kUnsupported names the setting that nothing here handles; kCorruptData a missing or
///            impossible number, with the file
/// Source     Devlin et al. 2018, arXiv 1810.04805; sentence-transformers' folder layout
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/checkpoint.h"

namespace nibble::rag {

/// How the states of a text's tokens become one vector.
enum class Pooling : std::uint8_t {
  kMean,  ///< of all tokens, [CLS] and [SEP] included
  kCls,   ///< the state of the first token
};
std::string_view pooling_name(Pooling pooling) noexcept;  ///< "mean", "cls"

struct EncoderConfig {
  std::string name;  ///< of the folder
  std::size_t vocab = 0;
  std::size_t hidden = 0;
  std::size_t intermediate = 0;
  std::size_t n_layers = 0;
  std::size_t n_heads = 0;
  std::size_t n_positions = 0;
  std::size_t n_token_types = 0;
  float norm_epsilon = 1e-12F;
  Pooling pooling = Pooling::kMean;
  bool normalizes = true;
  std::size_t max_tokens = 0;  ///< longer texts are cut
  std::string query_prefix;    ///< in front of every question; "" in most models
  std::string passage_prefix;

  [[nodiscard]] std::size_t head_dim() const noexcept { return hidden / n_heads; }
};

Result<EncoderConfig> read_encoder_config(const io::Checkpoint& checkpoint);

}  // namespace nibble::rag
