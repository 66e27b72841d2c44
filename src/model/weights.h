/// The weights of a checkpoint under one set of names, whatever the container: those of Hugging
/// Face ("model.layers.3.self_attn.q_proj.weight"), rows in Hugging Face order, norms as the
/// multiplier that is applied.
///
/// GGUF stores q and k of the llama architecture with rows permuted for interleaved RoPE, and
/// Gemma's norms plus one; both are undone here, so that everything above sees one model.
///
/// Errors     kNotFound with the canonical and the container's name; kShapeMismatch with both
///            shapes
/// Source     our own; the GGUF conversion rules are in docs/formats/gguf.md
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/codec.h"
#include "io/checkpoint.h"
#include "model/config.h"

namespace nibble::model {

/// What a tensor is for, so that recipes can speak of classes of weights.
enum class WeightRole : std::uint8_t { kLinear, kEmbedding, kHead, kNorm, kBias };

struct WeightInfo {
  std::string name;  ///< canonical
  WeightRole role;
  std::size_t rows;
  std::size_t cols;
  int layer;  ///< -1 outside the decoder blocks
};

/// Every weight that the architecture has, in order of use.
std::vector<WeightInfo> list_weights(const ModelConfig& config);

/// A weight as the container has it, found by its canonical name; nothing is undone or copied.
Result<codec::EncodedMatrix> find_weight(const io::Checkpoint& checkpoint,
                                         const ModelConfig& config,
                                         std::string_view canonical_name);

/// One weight, encoded as the file stores it, with the container's conventions undone.
Result<codec::EncodedMatrix> load_weight(const io::Checkpoint& checkpoint,
                                         const ModelConfig& config,
                                         std::string_view canonical_name);

/// A weight as Hugging Face folders of this architecture store it, for writing: Gemma 3's norms
/// minus one in float32, everything else unchanged. `load_weight` reads it back.
codec::EncodedMatrix as_hf_weight(const ModelConfig& config,
                                  std::string_view canonical_name,
                                  codec::EncodedMatrix matrix);

/// The same of a stored weight: what lies in a Hugging Face folder, as it lies there.
Result<codec::EncodedMatrix> load_hf_weight(const io::Checkpoint& checkpoint,
                                            const ModelConfig& config,
                                            std::string_view canonical_name);

/// A weight as GGUF files of this architecture store it, for writing: rows of q and k of the llama
/// family in the order of interleaved RoPE, everything else unchanged. `load_weight` reads it back.
Result<codec::EncodedMatrix> as_gguf_weight(const ModelConfig& config,
                                            std::string_view canonical_name,
                                            codec::EncodedMatrix matrix);

}  // namespace nibble::model
