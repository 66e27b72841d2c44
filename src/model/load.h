/// From a path to something that runs: weights, tokenizer and provenance.
///
/// Errors     everything that io, text and config report, with the path; kOutOfMemory before work
///            begins when the weights do not fit the memory that is available ("needs 13.5 GiB,
///            7.9 GiB are free")
/// Source     our own
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/progress.h"
#include "io/checkpoint.h"
#include "model/language_model.h"
#include "text/tokenizer.h"

namespace nibble::model {

struct LoadOptions {
  Arithmetic arithmetic = Arithmetic::kNative;
  bool with_hash = true;  ///< reads every byte of the weight files; not needed to answer one prompt
  bool keep_packed = false;  ///< see weights/packed_weights.h; of the host's weights only
  std::string device = "cpu";
  std::size_t device_memory = 0;  ///< of the device at most; 0: what is free there
  /// Of keys and values; nullptr: what the model's folder says, or floats
  const codec::KvScheme* kv = nullptr;
};

struct LoadedModel {
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::string hash;            ///< of the weight files; "" without `with_hash`
  std::size_t file_bytes = 0;  ///< of the weight files
  std::string weight_types;    ///< "210 x q4_1, 1 x q8_0, 61 x f32"
  std::string chat_template;   ///< "" when the model has none
};

/// `pool` must outlive the model.
Result<LoadedModel> load_model(const std::filesystem::path& path,
                               const LoadOptions& options,
                               ThreadPool& pool,
                               ProgressSink& progress);

/// kShapeMismatch for a vocabulary larger than the embedding: it makes tokens that the model cannot
/// look up.
Result<void> check_vocabulary(const text::Tokenizer& tokenizer,
                              const ModelConfig& config,
                              const std::filesystem::path& path);

/// The model alone, without a tokenizer, after checking that it fits into memory. Throws Error.
std::unique_ptr<LanguageModel> build_model(const io::Checkpoint& checkpoint,
                                           const ModelConfig& config,
                                           Arithmetic arithmetic,
                                           ThreadPool& pool,
                                           ProgressSink& progress,
                                           bool keep_packed = false);

/// Memory that the model takes when it runs: packed weights and the keys and values of one sequence
/// of moderate length.
Result<std::size_t> memory_needed(const io::Checkpoint& checkpoint,
                                  const ModelConfig& config,
                                  Arithmetic arithmetic);

/// How many weights are stored in which codec, linear layers first: LoadedModel::weight_types.
Result<std::string> describe_weights(const io::Checkpoint& checkpoint, const ModelConfig& config);

/// "" when the checkpoint has none.
Result<std::string> read_chat_template(const io::Checkpoint& checkpoint);

/// Only the tokenizer, without touching weights.
Result<std::unique_ptr<text::Tokenizer>> load_tokenizer(const io::Checkpoint& checkpoint);

}  // namespace nibble::model
